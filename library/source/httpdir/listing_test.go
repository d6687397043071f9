package httpdir

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	must(t, err)
	return u
}

func TestResolve(t *testing.T) {
	base := mustURL(t, "http://nas:8080/Films/%C3%84rger%20%26%20Co/")
	for _, row := range []struct {
		href   string
		at     place
		name   string
		folder bool
	}{
		{"a.mp4", child, "a.mp4", false},
		{"./a.mp4", child, "a.mp4", false},
		{"./C:.mp3", child, "C:.mp3", false},
		{"sub/", child, "sub", true},
		{"...", child, "...", false},
		{"%20a%23%3F%25.mp4", child, " a#?%.mp4", false},
		{"e%CC%81.mp3", child, "e\u0301.mp3", false},
		{"new%0Aline.mp3", child, "new\nline.mp3", false},
		{"%E9.mp3", child, "\xe9.mp3", false},
		{"ä.mp3", child, "ä.mp3", false},
		{"back%5Cslash", child, `back\slash`, false},
		{"/Films/%c3%84rger%20&%20Co/a.mp4", child, "a.mp4", false},
		{"http://nas:8080/Films/%C3%84rger%20&%20Co/a/", child, "a", true},
		{"//NAS:8080/Films/Ärger%20&%20Co/a", child, "a", false},
		{"sub/../a.mp4", child, "a.mp4", false},
		{"", itself, "", true},
		{"./", itself, "", true},
		{"/Films/%C3%84rger%20%26%20Co", itself, "", false},
		{"../", parent, "", true},
		{"/Films", parent, "", false},

		{"../other/a.mp4", elsewhere, "", false},
		{"../../../etc/passwd", elsewhere, "", false},
		{"a/b.mp4", elsewhere, "", false},
		{"/a.mp4", elsewhere, "", false},
		{"?C=N;O=D", elsewhere, "", false},
		{"a.mp4?x", elsewhere, "", false},
		{"a.mp4?", elsewhere, "", false},
		{"#top", elsewhere, "", false},
		{"a#", elsewhere, "", false},
		{"%2e%2e/", elsewhere, "", false},
		{"%2e%2e%2fa", elsewhere, "", false},
		{"a%2Fb", elsewhere, "", false},
		{"a%00b", elsewhere, "", false},
		{"a\x00b", elsewhere, "", false},
		{"a\nb", elsewhere, "", false},
		{`..\a`, elsewhere, "", false},
		{`\\evil\a`, elsewhere, "", false},
		{"a//b", elsewhere, "", false},
		{"a%zz", elsewhere, "", false},
		{"javascript:alert(1)", elsewhere, "", false},
		{"mailto:a@b", elsewhere, "", false},
		{"https://nas:8080/Films/%C3%84rger%20%26%20Co/a", elsewhere, "", false},
		{"http://nas/Films/%C3%84rger%20%26%20Co/a", elsewhere, "", false},
		{"http://evil/Films/%C3%84rger%20%26%20Co/a", elsewhere, "", false},
		{"http://nas:8080@evil/Films/%C3%84rger%20%26%20Co/a", elsewhere, "", false},
		{"//evil/a", elsewhere, "", false},
		{strings.Repeat("x", 2000), elsewhere, "", false},
	} {
		at, name, folder := resolve(base, row.href)
		if at != row.at || name != row.name || (at != elsewhere && folder != row.folder) {
			t.Errorf("%q leads to %v, %q, folder %v; want %v, %q, %v", row.href, at, name, folder, row.at, row.name, row.folder)
		}
	}
}

// Every name that can be listed is asked for by the address it has.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"a.mp4", "ä #?%.mp3", "..", ".", "a/b", "C:.mp3", "\xff\n\\'\"", "%2e%2e"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c := &client{base: mustURL(t, "http://nas/a%20b/")}
		if !validName(name) || name == "." || strings.Contains(name, "/") {
			return
		}
		u := c.file(name)
		if again := mustURL(t, u.String()); again.Path != u.Path || again.Host != "nas" || again.RawQuery != "" {
			t.Fatalf("%q becomes %q", name, u)
		}
		if at, got, _ := resolve(c.base, u.EscapedPath()); at != child || got != name {
			t.Errorf("%q is at %q, which leads to %v %q", name, u, at, got)
		}
	})
}

// What real servers write, cut down to what differs.
const (
	nginxPage = "<html>\r\n<head><title>Index of /</title></head>\r\n<body>\r\n<h1>Index of /</h1><hr><pre><a href=\"../\">../</a>\r\n" +
		"<a href=\"sub%20dir/\">sub dir/</a>                 22-Nov-2026 01:04                   -\r\n" +
		"<a href=\"%3Cscript%3E.mp3\">&lt;script&gt;.mp3</a>                22-Nov-2026 01:04             7\r\n" +
		"<a href=\"new%0Aline.mp3\">new\nline.mp3</a>        22-Nov-2026 01:04                   7\r\n</pre><hr></body>\r\n</html>"
	apacheFancy = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html><head><title>Index of /</title></head><body><h1>Index of /</h1>
<pre><img src="/icons/blank.gif" alt="Icon "> <a href="?C=N;O=D">Name</a>                    <a href="?C=M;O=A">Last modified</a><hr>
<a href="/up/"><img src="/icons/back.gif"></a> <a href="/">Parent Directory</a>                             -   
<a href="sub%20dir/"><img src="/icons/folder.gif" alt="[DIR]"></a> <a href="sub%20dir/">sub dir/</a>                2026-11-22 01:04    -   
<a href="%3cscript%3e.mp3"><img src="/icons/sound2.gif" alt="[SND]"></a> <a href="%3cscript%3e.mp3">&lt;script&gt;.mp3</a> 2026-11-22 01:04    7   
<a href="new%0aline.mp3"><img src="/icons/sound2.gif"></a> <a href="new%0aline.mp3">new
line.mp3</a>            2026-11-22 01:04    7   
<hr></pre>
<address>Apache/2.4.71 (Debian) Server at localhost Port 80</address>
</body></html>`
	apachePlain = `<html><head><title>Index of /plain</title></head><body><h1>Index of /plain</h1>
<ul><li><a href="/"> Parent Directory</a></li>
<li><a href="sub%20dir/"> sub dir/</a></li>
<li><a href="%3cscript%3e.mp3"> &lt;script&gt;.mp3</a></li>
<li><a href="new%0aline.mp3"> new
line.mp3</a></li>
</ul>
<address>Apache/2.4.71 (Debian) Server at localhost Port 80</address>
</body></html>`
	lighttpdPage = `<!DOCTYPE html><html><head><title>Index of /</title></head><body><h2>Index of /</h2><div class="list">
<table summary="Directory Listing"><thead><tr><th class="n">Name</th><th class="m">Last Modified</th></tr></thead><tbody>
<tr class="d"><td class="n"><a href="../">..</a>/</td><td class="m">&nbsp;</td><td class="s">- &nbsp;</td><td class="t">Directory</td></tr>
<tr class="d"><td class="n"><a href="sub%20dir/">sub dir</a>/</td><td class="m">2026-Nov-22 01:04:00</td><td class="s">- &nbsp;</td><td class="t">Directory</td></tr>
<tr><td class="n"><a href="%3Cscript%3E.mp3">&#x3C;script&#x3E;.mp3</a></td><td class="m">2026-Nov-22 01:04:00</td><td class="s">0.1K</td><td class="t">audio/mpeg</td></tr>
<tr><td class="n"><a href="new%0Aline.mp3">new&#x0A;line.mp3</a></td><td class="m">2026-Nov-22 01:04:00</td><td class="s">0.1K</td><td class="t">audio/mpeg</td></tr>
</tbody></table></div><div class="foot">lighttpd/1.4.69</div>
<script type="text/javascript">
// <!--
for (var i=0;i<l;i++) { document.write('<a href="evil.mp3">'); }
// -->
</script></body></html>`
	pythonPage = `<!DOCTYPE HTML><html lang="en"><head><title>Directory listing for /</title></head><body><h1>Directory listing for /</h1><hr><ul>
<li><a href="%3Cscript%3E.mp3">&lt;script&gt;.mp3</a></li>
<li><a href="new%0Aline.mp3">new
line.mp3</a></li>
<li><a href="sub%20dir/">sub dir/</a></li>
</ul><hr></body></html>`
	caddyPage = `<!DOCTYPE html><html><head><title>Films</title></head><body><main><div class="listing"><table><thead><tr>
<th><a href="?sort=name&amp;order=desc">Name</a></th></tr></thead><tbody>
<tr><td></td><td><a href=".."><span class="go-up">Up</span></a></td><td></td></tr>
<tr class="file"><td></td><td><a href="./sub%20dir/"><svg class="icon"></svg><span class="name">sub dir</span></a></td><td>&mdash;</td><td class="timestamp"><time datetime="2026-11-22T01:04:00Z">11/22/2026 01:04:00 AM +00:00</time></td></tr>
<tr class="file"><td></td><td><a href="./%3Cscript%3E.mp3"><svg></svg><span class="name">&lt;script&gt;.mp3</span></a></td><td class="size" data-size="7"><div class="sizebar"><div class="sizebar-text">7 B</div></div></td><td><time datetime="2026-11-22T01:04:00Z">11/22/2026 01:04:00 AM +00:00</time></td></tr>
<tr class="file"><td></td><td><a href="./new%0Aline.mp3"><span class="name">new
line.mp3</span></a></td><td class="size" data-size="7">7 B</td><td><time>11/22/2026 01:04:00 AM +00:00</time></td></tr>
</tbody></table></div></main><footer>Served with <a href="https://caddyserver.com">Caddy</a></footer></body></html>`
	mustservPage = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>/</title></head>\n<body><h1>/</h1>\n<pre>\n" +
		"<a href=\"sub%20dir/\">sub dir/</a>\n<a href=\"%3Cscript%3E.mp3\">&lt;script&gt;.mp3</a>\n<a href=\"new%0Aline.mp3\">new\uFFFDline.mp3</a>\n</pre></body></html>\n"
)

func TestReadPage(t *testing.T) {
	base := mustURL(t, "http://nas/up/here/")
	seed := maphash.MakeSeed()
	for _, row := range []struct {
		name, page string
		told       bool
	}{
		{"nginx", nginxPage, true}, {"apache fancy", apacheFancy, true}, {"apache plain", apachePlain, false},
		{"lighttpd", lighttpdPage, true}, {"python", pythonPage, false}, {"caddy", caddyPage, true}, {"mustserv", mustservPage, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			links, err := readPage(strings.NewReader(row.page), base, seed)
			must(t, err)
			var got []string
			for _, l := range links {
				got = append(got, fmt.Sprintf("%s %v", l.name, l.folder))
				if l.text != 0 != row.told && !l.folder {
					t.Errorf("of %q the listing tells something: %v", l.name, !row.told)
				}
			}
			slices.Sort(got)
			if want := []string{"<script>.mp3 false", "new\nline.mp3 false", "sub dir true"}; !slices.Equal(got, want) {
				t.Errorf("listed %q, want %q", got, want)
			}
		})
	}
}

// An entry of which the listing says something else is looked at again.
func TestPageTextDiffers(t *testing.T) {
	base, seed := mustURL(t, "http://nas/"), maphash.MakeSeed()
	of := func(page string) uint64 {
		links, err := readPage(strings.NewReader(page), base, seed)
		must(t, err)
		return links[1].text
	}
	before := of(nginxPage)
	if before != of(strings.Replace(nginxPage, "</pre><hr>", "</pre>1<hr>", 1)) {
		t.Error("what follows the listing counts")
	}
	if before == of(strings.Replace(nginxPage, "01:04             7", "01:05             7", 1)) {
		t.Error("another time does not count")
	}
}

func TestNoListing(t *testing.T) {
	base := mustURL(t, "http://nas/up/here/")
	for name, page := range map[string]string{
		"empty":       "",
		"login":       `<html><h1>Welcome to our hotel</h1><a href="/login">Log in</a> <a href="https://hotel/">Home</a></html>`,
		"error":       "<h1>It works!</h1>",
		"long entry":  `<h1>Index of /</h1><a href="a">a</a>` + strings.Repeat("x", 2*maxEntry),
		"long tag":    `<h1>Index of /</h1><a href="` + strings.Repeat("x", 2*maxEntry) + `">`,
		"many":        "<h1>Index of /</h1>" + strings.Repeat(`<a href="a">`, maxEntries+1),
		"only script": `<script>"<a href='x'>Index of"</script>`,
	} {
		if links, err := readPage(strings.NewReader(page), base, maphash.MakeSeed()); err == nil {
			t.Errorf("%s is taken for a listing of %v", name, links)
		}
	}
	for name, page := range map[string]string{"nginx": "<h1>Index of /</h1><pre><a href=\"../\">../</a></pre>", "python": "<title>Directory listing for /</title><ul></ul>"} {
		if links, err := readPage(strings.NewReader(page), base, maphash.MakeSeed()); err != nil || len(links) > 0 {
			t.Errorf("an empty folder of %s: %v, %v", name, links, err)
		}
	}
}

func describeAll(infos []fs.FileInfo) (all []string) {
	for _, i := range infos {
		all = append(all, fmt.Sprintf("%q %d %v %s", i.Name(), i.Size(), i.IsDir(), i.ModTime().UTC().Format(time.RFC3339)))
	}
	slices.Sort(all)
	return all
}

func TestReadJSON(t *testing.T) {
	base := mustURL(t, "http://nas/Films/")
	for name, text := range map[string]string{
		"nginx": "[\r\n{ \"name\":\"sub\", \"type\":\"directory\", \"mtime\":\"Sun, 22 Nov 2026 01:04:00 GMT\" },\r\n" +
			"{ \"name\":\"pipe\", \"type\":\"other\", \"mtime\":\"Sun, 22 Nov 2026 01:04:00 GMT\" },\r\n" +
			"{ \"name\":\"../evil\", \"type\":\"file\", \"mtime\":\"Sun, 22 Nov 2026 01:04:00 GMT\", \"size\":7 },\r\n" +
			"{ \"name\":\"\xe9\\n\\\"\\\\.mp3\", \"type\":\"file\", \"mtime\":\"Sun, 22 Nov 2026 01:04:00 GMT\", \"size\":7 }\r\n]",
		"caddy": `[{"name":"sub/","size":4096,"url":"./sub/","mod_time":"2026-11-22T01:04:00.123456Z","mode":2147484141,"is_dir":true,"is_symlink":false},
			{"name":"evil","size":1,"url":"../evil","mod_time":"2026-11-22T01:04:00Z","is_dir":false},
			{"name":"?\n\"\\.mp3","size":7,"url":"./%E9%0A%22%5C.mp3","mod_time":"2026-11-22T01:04:00.99Z","mode":420,"is_dir":false,"is_symlink":false}]`,
	} {
		infos, err := readJSON(strings.NewReader(text), base)
		must(t, err)
		want := []string{`"\xe9\n\"\\.mp3" 7 false 2026-11-22T01:04:00Z`, `"sub" 0 true 2026-11-22T01:04:00Z`}
		if got := describeAll(infos); !slices.Equal(got, want) {
			t.Errorf("%s: listed %q, want %q", name, got, want)
		}
	}
	for name, text := range map[string]string{
		"cut off": `[{"name":"a","type":"file","size":7}`, "object": `{"name":"a"}`, "text": `"a"`, "empty": "",
		"long": `[{"name":"` + strings.Repeat("x", 2*maxEntry) + `"}]`, "many": "[" + strings.Repeat("{},", maxEntries+1) + "{}]",
	} {
		if _, err := readJSON(strings.NewReader(text), base); err == nil {
			t.Errorf("%s is taken for a listing", name)
		}
	}
}

const multistatus = `<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:ns0="urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/">
<D:response xmlns:lp1="DAV:" xmlns:g0="DAV:"><D:href>/d%c3%a4v/</D:href>
<D:propstat><D:prop><lp1:resourcetype><D:collection/></lp1:resourcetype><lp1:getlastmodified>Sun, 22 Nov 2026 01:04:00 GMT</lp1:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
<D:propstat><D:prop><g0:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
</D:response>
<response xmlns="DAV:"><href>
 http://nas/d%C3%A4v/quote'%22s.mp3 </href><propstat><prop><resourcetype/><getcontentlength>7</getcontentlength><getlastmodified xmlns:b="urn:x" b:dt="dateTime.rfc1123">Sun, 22 Nov 2026 01:04:00 GMT</getlastmodified></prop><status>HTTP/1.1 200 OK</status></propstat></response>
<D:response><D:href>/d%C3%A4v/sub</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype><D:getcontentlength>4096</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
<D:response><D:href>/d%C3%A4v/sub/deep.mp3</D:href><D:propstat><D:prop><D:getcontentlength>1</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
<D:response><D:href>http://evil/d%C3%A4v/a.mp3</D:href><D:propstat><D:prop><D:getcontentlength>1</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
<D:response><D:href>/d%C3%A4v/unread.mp3</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>
<D:response><D:href>/d%C3%A4v/negative.mp3</D:href><D:propstat><D:prop><D:getcontentlength>-1</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
</D:multistatus>`

func TestReadMultistatus(t *testing.T) {
	self, infos, err := readMultistatus(strings.NewReader(multistatus), mustURL(t, "http://nas/d%C3%A4v/"))
	must(t, err)
	want := []string{`"quote'\"s.mp3" 7 false 2026-11-22T01:04:00Z`, `"sub" 0 true 1970-01-01T00:00:00Z`}
	if got := describeAll(infos); !slices.Equal(got, want) || !self.folder {
		t.Errorf("listed %q, want %q; itself %v", got, want, self)
	}
	for name, text := range map[string]string{
		"empty": "", "page": nginxPage, "no multistatus": `<a xmlns="DAV:"/>`,
		"cut off":         multistatus[:len(multistatus)-20],
		"another folder":  strings.Replace(multistatus, "/d%c3%a4v/<", "/other/<", 1),
		"entity":          `<!DOCTYPE m [<!ENTITY x "y">]><multistatus xmlns="DAV:"><response><href>&x;</href></response></multistatus>`,
		"long":            `<multistatus xmlns="DAV:"><response><href>` + strings.Repeat("x", 2*maxEntry),
		"long, no entry":  `<multistatus xmlns="DAV:">` + strings.Repeat("<x/>", maxEntry),
		"many":            `<multistatus xmlns="DAV:">` + strings.Repeat("<response/>", maxEntries+1),
		"unknown charset": `<?xml version="1.0" encoding="utf-16"?><multistatus xmlns="DAV:"/>`,
	} {
		if _, _, err := readMultistatus(strings.NewReader(text), mustURL(t, "http://nas/d%C3%A4v/")); err == nil {
			t.Errorf("%s is taken for a multistatus", name)
		}
	}
	if _, _, err := readMultistatus(strings.NewReader(nginxPage), mustURL(t, "http://nas/")); !errors.Is(err, errNotSpoken) {
		t.Errorf("a page answers %v", err)
	}
}

// FuzzListings gives anything to the readers of listings: what they find lies
// right below the folder.
func FuzzListings(f *testing.F) {
	for _, seed := range []string{nginxPage, apacheFancy, apachePlain, lighttpdPage, pythonPage, caddyPage, mustservPage} {
		f.Add([]byte(seed))
	}
	f.Add([]byte(`[{"name":"a\\u002fb","type":"file","size":7},{"name":"x","url":"./x","is_dir":true}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		base := mustURL(t, "http://nas/up/here/")
		links, _ := readPage(bytes.NewReader(text), base, maphash.MakeSeed())
		for _, l := range links {
			checkElement(t, l.name)
		}
		infos, _ := readJSON(bytes.NewReader(text), base)
		for _, i := range infos {
			checkElement(t, i.Name())
		}
	})
}

func FuzzMultistatus(f *testing.F) {
	f.Add([]byte(multistatus))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, infos, _ := readMultistatus(bytes.NewReader(text), mustURL(t, "http://nas/d%C3%A4v/"))
		for _, i := range infos {
			checkElement(t, i.Name())
			if i.Size() < 0 {
				t.Errorf("%q has %d bytes", i.Name(), i.Size())
			}
		}
	})
}

func checkElement(t *testing.T, name string) {
	t.Helper()
	if !validName(name) || name == "." || strings.Contains(name, "/") {
		t.Errorf("the name %q was listed", name)
	}
}
