package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// nas is a file server that counts the bytes it sends, and may be slow.
type nas struct {
	*httptest.Server
	sent atomic.Int64
	rate atomic.Int64 // bytes a second; 0 is no limit
}

func startNAS(t *testing.T, folder string) *nas {
	n, files := new(nas), http.FileServer(http.Dir(folder))
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(slowed{counted{w, &n.sent}, n}, r)
	}))
	t.Cleanup(n.Close)
	return n
}

type slowed struct {
	counted
	nas *nas
}

func (s slowed) Write(b []byte) (int, error) {
	if rate := s.nas.rate.Load(); rate > 0 {
		time.Sleep(time.Duration(len(b)) * time.Second / time.Duration(rate))
	}
	return s.counted.Write(b)
}

// TestClusterFetchesOnce has viewers at three nodes watch films of a file
// server that sends each byte once; and a film whose node is killed meanwhile.
func TestClusterFetchesOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers; left out with -short")
	}
	t.Parallel()
	const size = 12 << 20
	films := make(map[string][]byte)
	dir := t.TempDir()
	for i, name := range []string{"a.mkv", "b.mkv"} {
		films[name] = make([]byte, size)
		rand.NewChaCha8([32]byte{byte(i)}).Read(films[name])
		write(t, filepath.Join(dir, name), films[name])
	}
	nas := startNAS(t, dir)
	secret := `secret = "one secret of all nodes, 32 letters"`
	nodes := startCluster(t, fmt.Sprintf("[ratelimit]\nunmeasured = \"off\"\n[[share]]\nname = \"NAS\"\nurl = %q\n", nas.URL), secret, secret, secret)

	before := nas.sent.Load()
	for i, err := range watchAt(nodes, "/media/NAS/a.mkv", films["a.mkv"]) {
		if err != nil {
			t.Errorf("at node %d: %v", i, err)
		}
	}
	sent := nas.sent.Load() - before
	t.Logf("for a film of %d bytes that 9 watch at three nodes the file server has sent %d", size, sent)
	if sent > size*5/4 {
		t.Errorf("the file server has sent %d bytes for a film of %d", sent, size)
	}

	nas.rate.Store(size / 10)
	counts, killed := readByNodes(nodes), make(chan int)
	go func() {
		owner := waitForOwner(nodes, counts)
		if owner >= 0 {
			nodes[owner].cmd.Process.Kill()
		}
		nas.rate.Store(0)
		killed <- owner
	}()
	errs, owner := watchAt(nodes, "/media/NAS/b.mkv", films["b.mkv"]), <-killed
	for i, err := range errs {
		if i != owner && err != nil {
			t.Errorf("after node %d was killed, at node %d: %v", owner, i, err)
		}
	}
	if owner < 0 || errs[owner] == nil {
		t.Errorf("node %d was killed in the middle of nothing", owner)
	}
}

// watchAt has three viewers at each node watch a film, and returns what went
// wrong, by node.
func watchAt(nodes cluster, path string, content []byte) []error {
	errs := make([]error, len(nodes))
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 3 * len(nodes) {
		all.Go(func() {
			err := wholeFilm(nodes[i/3].url+path, content)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs[i/3] = err
			}
		})
	}
	all.Wait()
	return errs
}

// wholeFilm says how an answer differs from a film.
func wholeFilm(url string, content []byte) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Equal(got, content) {
		return fmt.Errorf("%d bytes of %d, not as they are: %v", len(got), len(content), err)
	}
	return nil
}

// waitForOwner returns the node from which others read a film that is being
// watched, -1 for none.
func waitForOwner(nodes cluster, before []int) int {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for i, n := range readByNodes(nodes) {
			if n > before[i] {
				return i
			}
		}
	}
	return -1
}

// readByNodes returns how often other nodes have read from each node's cache.
func readByNodes(nodes cluster) []int {
	count := regexp.MustCompile(`(?m)^mustserv_share_cache_for_nodes_total\{.*\} (\d+)$`)
	all := make([]int, len(nodes))
	for i, n := range nodes {
		answer, err := http.Get(n.url + "/metrics")
		if err != nil {
			continue // it was killed
		}
		text, _ := io.ReadAll(answer.Body) // none of none
		answer.Body.Close()
		if m := count.FindSubmatch(text); m != nil {
			all[i], _ = strconv.Atoi(string(m[1]))
		}
	}
	return all
}

// TestNodeReadsFromANode has 16 viewers jump about in a film that their node
// reads from another one: that does not send it at the pace of one player, as
// the two know each other.
func TestNodeReadsFromANode(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers; left out with -short")
	}
	t.Parallel()
	dir, film := t.TempDir(), make([]byte, 32<<20)
	rand.NewChaCha8([32]byte{7}).Read(film)
	write(t, filepath.Join(dir, "a.mkv"), film)
	addrs := []string{freeAddress(t), freeAddress(t)}
	var nodes cluster
	for i, own := range []string{
		"unmeasured = \"200 kbit/s\"\n[[share]]\nname = \"Films\"\npath = '" + dir + "'\n",
		"unmeasured = \"off\"\n[[share]]\nname = \"Films\"\nurl = \"http://" + addrs[0] + "/media/Films/\"\n",
	} {
		file := filepath.Join(t.TempDir(), "m.toml")
		write(t, file, []byte(fmt.Sprintf("[routing]\nnodes = [\"http://%s\", \"http://%s\"]\nsecret = \"one secret of all nodes, 32 letters\"\n[ratelimit]\n%s", addrs[0], addrs[1], own)))
		nodes = append(nodes, start(t, "-config", file, "-listen", addrs[i]))
		eventually(t, "it has the film", func() bool { return nodes[i].status(t).Items > 0 })
	}
	eventually(t, "the second knows the first", func() bool { return nodes[1].status(t).up() == 2 })
	began := time.Now()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if err := jump(i, nodes[1].url+"/media/Films/a.mkv", film, int64(i)<<21); err != nil {
				t.Errorf("viewer %d: %v", i, err)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	t.Logf("16 viewers have their first MiB after %v", took)
	if took > 20*time.Second { // at the pace of a player it is half a minute
		t.Errorf("the last viewer waited for %v", took)
	}
}

// jump has the viewer of a number read 1 MiB of a film from somewhere on.
func jump(viewer int, url string, film []byte, at int64) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(viewer+1))}}
	client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got := make([]byte, 1<<20)
	if _, err := io.ReadFull(answer.Body, got); err != nil || !bytes.Equal(got, film[at:at+int64(len(got))]) {
		return fmt.Errorf("wrong bytes from %d on, %v", at, err)
	}
	return nil
}
