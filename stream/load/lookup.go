package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// answerMost bounds what an API may answer: a week of film.
const answerMost = 64 << 20

// Lookup asks the MuStServ that serves a film, at an address with /media/ in
// it, when which byte of it is due and at which rate it is sent.
func Lookup(ctx context.Context, film string) (Target, error) {
	u, err := parse(film)
	if err != nil {
		return Target{}, err
	}
	base, path, ok := strings.Cut(u.EscapedPath(), "/media/")
	if !ok {
		return Target{}, fmt.Errorf("%s: no address of a MuStServ, which has /media/ in it", u.Redacted())
	}
	api := u.Scheme + "://" + u.Host + base + "/api/v1/items/" + path + "?curve"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, api, nil)
	if err != nil {
		return Target{}, err
	}
	if password, ok := u.User.Password(); ok {
		request.SetBasicAuth(u.User.Username(), password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return Target{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Target{}, fmt.Errorf("ask %s about the film: %s", api, plain(response.Status))
	}
	t, err := decode(io.LimitReader(response.Body, answerMost))
	if err != nil {
		return Target{}, fmt.Errorf("ask %s about the film: %w", api, err)
	}
	t.URL = film
	return t, nil
}

// decode reads what the API says of an item.
func decode(r io.Reader) (Target, error) {
	var item struct {
		Problem string
		Bitrate struct{ Rate float64 }
		Curve   struct {
			Cell  float64
			Bytes []int64
		}
	}
	if err := json.NewDecoder(r).Decode(&item); err != nil {
		return Target{}, err
	}
	if item.Curve.Bytes == nil {
		return Target{}, errors.New("it is not measured" + strings.TrimRight(": "+plain(item.Problem), ": "))
	}
	c, err := NewCurve(item.Curve.Cell, item.Curve.Bytes)
	return Target{Curve: c, Rate: item.Bitrate.Rate / 8}, err
}
