package webui

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"strings"

	"mustserv/library"
	"mustserv/library/playlist"
	"mustserv/library/probe"
)

// The addresses of a library path, as a client on this host asks for them.

func browseURL(path string) string {
	if path == "" {
		return "/"
	}
	return "/browse/" + library.EscapePath(path) + "/"
}

func watchURL(path string) string { return "/watch/" + library.EscapePath(path) }

// musicURL is the page of an artist, or of an album of his.
func musicURL(artist, album string) string {
	query := url.Values{"artist": {cmp.Or(artist, probe.VariousArtists)}}
	if album != "" {
		query.Set("album", album)
	}
	return "/music?" + query.Encode()
}

func mediaURL(path string) string { return "/media/" + library.EscapePath(path) }

// listingURL is the plain listing of a folder.
func listingURL(path string) string {
	if path == "" {
		return "/media/"
	}
	return mediaURL(path) + "/"
}

// playlistURL is the playlist of an item, a folder or, at the root, all.
func playlistURL(path, extension string) string {
	if path == "" {
		return "/playlist." + extension
	}
	return "/playlist/" + library.EscapePath(path) + "." + extension
}

// origin returns the scheme and host by which the client reached us.
func origin(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	host := r.Host
	if host == "" { // HTTP/1.0 need not say
		if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = at.String()
		}
	}
	return scheme + host
}

// crumb is one step of the way down to a page.
type crumb struct{ Name, URL string }

// crumbs returns the way to path: each folder above it, without itself.
func crumbs(path string) []crumb {
	var way []crumb
	for i := range len(path) {
		if path[i] == '/' {
			up := path[:i]
			way = append(way, crumb{up[strings.LastIndexByte(up, '/')+1:], browseURL(up)})
		}
	}
	return way
}

// parent returns the path of the folder that holds path.
func parent(path string) string {
	return path[:max(0, strings.LastIndexByte(path, '/'))]
}

// kindLinks are the ways to look at the library.
func kindLinks() []link {
	return []link{
		{say("Folders"), "/"}, {say("Films"), "/films"}, {say("Series"), "/series"}, {say("Music"), "/music"}, {say("New"), "/new"},
	}
}

// link is an address that a page offers.
type link struct {
	Name saying
	URL  string
}

// playlists returns the playlists of an item or folder in every dialect, at an
// origin or, if that is empty, for this host.
func playlists(origin, path string) []link {
	var all []link
	for _, f := range playlist.Formats() {
		all = append(all, link{verbatim(f.Name), origin + playlistURL(path, f.Extension)})
	}
	return all
}
