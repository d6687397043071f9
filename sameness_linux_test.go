package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mustserv/stream/auth"
)

// TestNodesAreTheSame compares three nodes over the whole corpus: two that
// read its folder, and one that reads it through the first. A player must not
// be able to tell who answers, but by the address.
func TestNodesAreTheSame(t *testing.T) {
	t.Parallel()
	need(t)
	dir := corpus(t)
	hash, err := auth.Hash("sesame")
	if err != nil {
		t.Fatal(err)
	}
	config := "[library]\nquiet = \"100ms\"\nrescan = \"10s\"\n[auth]\nkey = \"one key for all nodes, 32 letters\"\n[[auth.user]]\nname = \"ann\"\npassword = \"" + hash + "\"\nrole = \"viewer\"\n"
	node := func(share string) *twin {
		p, _ := startPeer(t, "127.0.0.1:0", config+"[[share]]\nname = \"Corpus\"\n"+share)
		return &twin{t, p.url, regexp.MustCompile(`,?"(node|version)":"[^"]*"`)}
	}
	first := node("path = '" + dir + "'\n")
	others := map[string]*twin{
		"a node beside it":          node("path = '" + dir + "'\n"),
		"one that reads through it": node("url = \"" + first.url + "/media/Corpus/\"\nuser = \"ann\"\npassword = \"sesame\"\n"),
	}
	first.settle()
	places, files := first.walk()
	if files < 300 {
		t.Errorf("only %d files", files)
	}
	for name, other := range others {
		t.Run(name, func(t *testing.T) {
			other.settle()
			eventually(t, "all files are known and measured", func() bool {
				return first.answer("/api/v1/search?limit=1000") == other.answer("/api/v1/search?limit=1000")
			})
			compare(t, first, other, places)
		})
	}
}

// compare says where two nodes differ. It asks for several places at a time:
// who reads through another node waits for that one.
func compare(t *testing.T, first, other *twin, places []string) {
	t.Helper()
	var group sync.WaitGroup
	ahead := make(chan string)
	for range 16 {
		group.Go(func() {
			for place := range ahead {
				first.compare(other, place)
			}
		})
	}
	for _, place := range places {
		ahead <- place
	}
	close(ahead)
	group.Wait()
}

// compare says where two nodes differ at a place. Signatures change with the
// hour.
func (n *twin) compare(other *twin, place string) {
	for {
		hour := time.Now().Hour()
		here, there := n.answer(place), other.answer(place)
		if here != there && hour == time.Now().Hour() {
			n.t.Errorf("%s differs:\n%s", place, difference(here, there))
		}
		if hour == time.Now().Hour() {
			return
		}
	}
}

// difference is the first line that differs, of both.
func difference(a, b string) string {
	one, two := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(one), len(two)) {
		if one[i] != two[i] {
			return one[i] + "\n" + two[i]
		}
	}
	return fmt.Sprintf("%d lines and %d", len(one), len(two))
}

// twin is a node that is asked what another one is asked, too.
type twin struct {
	t   *testing.T
	url string
	own *regexp.Regexp // members of the API's objects that are the node's own
}

// settle waits until the node has found and measured everything.
func (n *twin) settle() {
	n.t.Helper()
	eventually(n.t, "all is measured", func() bool {
		status := n.answer("/api/v1/status")
		return strings.Contains(status, `"unmeasured":0`) && strings.Contains(status, `"scanning":false`)
	})
}

// walk returns all that the node can be asked for, and how many files it has.
func (n *twin) walk() (places []string, files int) {
	n.t.Helper()
	for _, list := range []string{"m3u", "m3u8", "pls", "xspf", "asx", "rss"} {
		places = append(places, "/playlist."+list, "/playlist/Corpus."+list)
	}
	for folders := []string{""}; len(folders) > 0; folders = folders[1:] {
		at := folders[0]
		places = append(places, "/api/v1/items"+at, "/media"+at+"/", "/browse"+at+"/")
		answer := struct {
			Folders, Items []struct{ URLs struct{ Page, Art string } }
		}{}
		_, body := n.get("/api/v1/items" + at)
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			n.t.Fatalf("%s: %v in %s", at, err, body)
		}
		for _, f := range answer.Folders {
			u, _ := url.Parse(f.URLs.Page)
			folders = append(folders, strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/browse"), "/"))
		}
		for _, it := range answer.Items {
			files++
			u, _ := url.Parse(it.URLs.Page)
			path := strings.TrimPrefix(u.EscapedPath(), "/watch")
			places = append(places, "/media"+path, "/api/v1/items"+path+"?measured", "/playlist"+path+".m3u", "/watch"+path)
			if it.URLs.Art != "" {
				places = append(places, "/art"+path)
			}
		}
	}
	return places, files
}

// answer is what a player gets at a place, but for what is of the node: its
// address and name, and in the API from which node it has a file and what it
// calls the state of a folder.
func (n *twin) answer(place string) string {
	head, body := n.get(place)
	for _, name := range []string{"Date", "Mustserv-Node", "Set-Cookie"} {
		head.Del(name)
	}
	if strings.HasPrefix(place, "/api/") {
		head.Del("Content-Length")
		head.Del("ETag") // of folders only
		body = n.own.ReplaceAllString(body, "")
	}
	var lines []string
	for name, values := range head {
		lines = append(lines, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(lines)
	return strings.ReplaceAll(strings.Join(append(lines, body), "\n"), strings.TrimPrefix(n.url, "http://"), "host")
}

// get asks as a player does, of files for the head: TestCorpus compares the
// bytes. What goes wrong is the answer: it is no goroutine of the test that
// asks.
func (n *twin) get(place string) (http.Header, string) {
	method := http.MethodGet
	if strings.HasPrefix(place, "/media/") && !strings.HasSuffix(place, "/") {
		method = http.MethodHead
	}
	request, err := http.NewRequest(method, n.url+place, nil)
	if err != nil {
		return http.Header{}, n.url + err.Error()
	}
	request.SetBasicAuth("ann", "sesame")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return http.Header{}, n.url + err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		body = []byte(n.url + err.Error())
	}
	response.Header.Set("Status", response.Status)
	return response.Header, string(body)
}
