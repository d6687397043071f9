package webui

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"mustserv/library"
)

// artMax is the largest embedded picture that is shown, in bytes.
const artMax = 32 << 20

// art is a picture that stands for an item or a folder: a file, or a part of
// one.
type art struct {
	item  *library.Item // that it lies in
	cover bool          // it is the cover within the item
}

// Limits of where the picture of a folder is looked for.
const (
	artItems = 20 // in it
	artDepth = 3  // below it
)

// artOfFolder returns the picture of a folder, or of one of the first items in
// it, or of the first folder in it.
func artOfFolder(f *library.Folder) (art, bool) {
	for range artDepth {
		beside := companyIn(f)
		if beside.picture != nil {
			return art{beside.picture, false}, true
		}
		for _, it := range f.Items[:min(len(f.Items), artItems)] {
			if found, ok := beside.art(it); ok {
				return found, true
			}
		}
		if len(f.Folders) == 0 {
			break
		}
		f = f.Folders[0]
	}
	return art{}, false
}

func hasCover(it *library.Item) bool {
	info := it.Info()
	return info != nil && info.Cover != nil && info.Cover.Size > 0 && info.Cover.Size <= artMax
}

// serveArt answers with the picture of an item or a folder.
func (h *Handler) serveArt(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(r.Context(), rest)
	if err != nil {
		return err
	}
	var found art
	var ok bool
	if at.folder != nil {
		found, ok = artOfFolder(at.folder)
	} else {
		found, ok = h.companyOf(at.item).art(at.item)
	}
	if !ok {
		return fs.ErrNotExist
	}
	return found.serve(w, r)
}

// serve sends the picture. What is in the file is not believed to be one
// unless it looks like it: a page in its place could do harm.
func (a art) serve(w http.ResponseWriter, r *http.Request) error {
	file, err := a.item.OpenNow(r.Context()) // a page has many pictures, and must not wait
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	offset, size := int64(0), stat.Size()
	if a.cover {
		cover := a.item.Info().Cover
		offset, size = cover.Offset, cover.Size
	}
	picture := io.NewSectionReader(file, offset, size)
	head := make([]byte, 512)
	n, err := picture.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	mime := http.DetectContentType(head[:n])
	if !strings.HasPrefix(mime, "image/") {
		return fs.ErrNotExist
	}
	w.Header().Set("Content-Type", mime)
	w.Header().Set("Cache-Control", "private, max-age=3600")
	w.Header().Set("ETag", fmt.Sprintf(`"art-%x-%x-%x"`, offset, stat.Size(), stat.ModTime().Unix()))
	http.ServeContent(w, r, "", stat.ModTime(), picture)
	return nil
}

// artURL is the address of a picture for an item or a folder.
func artURL(path string) string { return "/art/" + library.EscapePath(path) }
