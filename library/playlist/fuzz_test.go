package playlist

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzWrite writes lists with any texts and reads them back: whatever the
// texts are, the same URLs come out, and no more.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"", "plain", "Été", "映画", "a\nb", "a\r\nFile2=http://evil/", "</title><ref href='x'/>", `"&<>'`, "\x00\xff", "\u202Ex", "\u2028#EXTM3U", "]]>"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, name, title, artist string) {
		want := []string{"http://h/media/1", "http://h/media/2"}
		l := list(name,
			Entry{URL: want[0], ID: title, Title: title, Artist: artist, MIME: artist, Duration: 12},
			Entry{URL: want[1], Title: artist, Artist: title, Size: 7})
		for _, format := range Formats() {
			got, err := urlsIn(format.Extension, written(t, format.Extension, l))
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %q, %v in\n%s", format.Name, got, err, written(t, format.Extension, l))
			}
		}
	})
}

// FuzzURL writes lists of any URL: it stays one.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://h/x", "http://h/a b", "http://h/\n", `http://h/"><x`, "http://h/\xff", "http://h/é&a=b#c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, url string) {
		url = "http://h/" + url
		l := list("x", Entry{URL: url}, Entry{URL: url})
		for _, format := range Formats() {
			got, err := urlsIn(format.Extension, written(t, format.Extension, l))
			if err != nil || !slices.Equal(got, []string{oneWord(url), oneWord(url)}) {
				t.Errorf("%s: %q, %v", format.Name, got, err)
			}
		}
	})
}

// urlsIn reads a list as a strict player does.
func urlsIn(ext, text string) ([]string, error) {
	switch ext {
	case "m3u", "m3u8":
		return urlsInM3U(text)
	case "pls":
		return urlsInPLS(text)
	case "xspf":
		var x struct {
			XMLName xml.Name `xml:"http://xspf.org/ns/0/ playlist"`
			URLs    []string `xml:"trackList>track>location"`
		}
		err := xml.Unmarshal([]byte(text), &x)
		return x.URLs, err
	case "asx":
		return urlsInASX(text)
	}
	return urlsInRSS(text)
}

func urlsInM3U(text string) (urls []string, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "#EXTM3U" {
		return nil, fmt.Errorf("begins with %q", lines[0])
	}
	infos := 0
	for _, line := range lines[1:] {
		switch {
		case strings.HasPrefix(line, "#EXTINF:"):
			infos++
		case strings.HasPrefix(line, "#PLAYLIST:") && infos == 0:
		default:
			urls = append(urls, line)
		}
	}
	if infos != len(urls) {
		err = fmt.Errorf("%d EXTINF, %d URLs", infos, len(urls))
	}
	return urls, err
}

func urlsInPLS(text string) (urls []string, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "[playlist]" {
		return nil, fmt.Errorf("begins with %q", lines[0])
	}
	keys := map[string]string{}
	for _, line := range lines[1:] {
		key, value, ok := strings.Cut(line, "=")
		if _, twice := keys[key]; twice || !ok {
			return nil, fmt.Errorf("bad line %q", line)
		}
		keys[key] = value
	}
	for n := 1; keys[fmt.Sprint("File", n)] != ""; n++ {
		urls = append(urls, keys[fmt.Sprint("File", n)])
	}
	if keys["NumberOfEntries"] != fmt.Sprint(len(urls)) || len(keys) != 3*len(urls)+2 || keys["Version"] != "2" {
		err = fmt.Errorf("keys %v", keys)
	}
	return urls, err
}

func urlsInASX(text string) (urls []string, err error) {
	var x struct {
		XMLName xml.Name `xml:"asx"`
		Entries []struct {
			Refs []struct {
				HREF string `xml:"href,attr"`
			} `xml:"ref"`
		} `xml:"entry"`
	}
	err = xml.Unmarshal([]byte(text), &x)
	for _, e := range x.Entries {
		for _, r := range e.Refs {
			urls = append(urls, r.HREF)
		}
	}
	return urls, err
}

func urlsInRSS(text string) (urls []string, err error) {
	var x struct {
		XMLName xml.Name `xml:"rss"`
		Items   []struct {
			Enclosures []struct {
				URL string `xml:"url,attr"`
			} `xml:"enclosure"`
			GUID string `xml:"guid"`
		} `xml:"channel>item"`
	}
	err = xml.Unmarshal([]byte(text), &x)
	for _, i := range x.Items {
		for _, e := range i.Enclosures {
			urls = append(urls, e.URL)
		}
	}
	return urls, err
}
