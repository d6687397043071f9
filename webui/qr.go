package webui

import (
	"fmt"
	"net/http"
	"strings"

	"rsc.io/qr"
)

const qrQuiet = 4 // modules of white around a code, as ISO/IEC 18004 wants

// serveQR draws the address of a page of ours, for the camera of a telephone.
func (h *Handler) serveQR(w http.ResponseWriter, r *http.Request, _ string) error {
	to := r.URL.Query().Get("to")
	code, err := qr.Encode(origin(r)+ownPath(to), qr.M)
	if err != nil {
		return &parameterError{"to", to, "an address short enough for a code"}
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+qrQuiet, y+qrQuiet, x-from, x-from)
			}
		}
	}
	size := code.Size + 2*qrQuiet
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "private, max-age=86400")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<rect width="%d" height="%d" fill="#fff"/><path d="%s" fill="#000"/></svg>`, size, size, size, size, path.String())
	return nil
}
