package webui

import (
	"encoding/xml"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestQR(t *testing.T) {
	h := testHandler(t, testRoot())
	w := get(h, "GET", "/qr?to=/watch/Movies/a.mp4")
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if err := xml.Unmarshal(w.Body.Bytes(), new(struct{})); err != nil {
		t.Error(err)
	}
	if elsewhere, home := get(h, "GET", "/qr?to=//evil.example/").Body.String(), get(h, "GET", "/qr?to=/").Body.String(); elsewhere != home {
		t.Error("a code leads to another server")
	}
	if got := get(h, "GET", "/qr?to=/"+strings.Repeat("x", 5000)).Code; got != 400 {
		t.Errorf("an address that is too long: %d", got)
	}
	t.Run("read by a camera", func(t *testing.T) { readQR(t, w.Body.String(), "http://box:8080/watch/Movies/a.mp4") })
}

// readQR has zbar read a code, drawn from its SVG.
func readQR(t *testing.T, svg, want string) {
	if _, err := exec.LookPath("zbarimg"); err != nil || testing.Short() {
		if os.Getenv("MUSTSERV_NO_SKIP") != "" && !testing.Short() {
			t.Fatal("zbarimg is not installed, and MUSTSERV_NO_SKIP is set")
		}
		t.Skip("zbarimg is not installed; with it, this test reads the code")
	}
	var drawing struct {
		ViewBox string `xml:"viewBox,attr"`
		Path    struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal([]byte(svg), &drawing); err != nil {
		t.Fatal(err)
	}
	size, err := strconv.Atoi(strings.Fields(drawing.ViewBox)[2])
	if err != nil {
		t.Fatal(err)
	}
	const scale = 6
	picture := image.NewGray(image.Rect(0, 0, size*scale, size*scale))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for _, run := range strings.Split(strings.TrimSuffix(drawing.Path.D, "z"), "z") {
		numbers := strings.FieldsFunc(run, func(r rune) bool { return r < '0' || r > '9' })
		x, _ := strconv.Atoi(numbers[0])
		y, _ := strconv.Atoi(numbers[1])
		n, _ := strconv.Atoi(numbers[2])
		for dy := range scale {
			for dx := range n * scale {
				picture.SetGray(x*scale+dx, y*scale+dy, color.Gray{})
			}
		}
	}
	name := filepath.Join(t.TempDir(), "code.png")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, picture); err != nil {
		t.Fatal(err)
	}
	f.Close()
	out, err := exec.Command("zbarimg", "-q", "--raw", name).Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("the camera reads %q, %v, want %q", got, err, want)
	}
}
