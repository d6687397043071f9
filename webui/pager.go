package webui

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
)

// pager cuts a long list into pages, numbered from 1.
type pager struct {
	Number, Pages int
	Total         int
	Before, After string // addresses of the pages beside this one; empty at the ends
	first, last   int    // of the rows: [first, last)
}

// newPager cuts total rows as the parameter page of r asks. A page behind the
// last is a wrong parameter.
func newPager(r *http.Request, total, perPage int) (pager, error) {
	pages := max(1, (total+perPage-1)/perPage)
	n, err := number(r, "page", 1, 1, pages)
	if err != nil {
		return pager{}, err
	}
	p := pager{Number: n, Pages: pages, Total: total, first: (n - 1) * perPage, last: min(n*perPage, total)}
	if n > 1 {
		p.Before = pageURL(r.URL.Query(), n-1)
	}
	if n < pages {
		p.After = pageURL(r.URL.Query(), n+1)
	}
	return p, nil
}

// pageURL is relative: the same address with another page.
func pageURL(query url.Values, n int) string {
	query.Set("page", strconv.Itoa(n))
	return "?" + query.Encode()
}

// First and Last are the numbers of the rows on this page, from 1 on.
func (p pager) First() int { return min(p.first+1, p.Total) }

// Last is described at First.
func (p pager) Last() int { return p.last }

// pageOffset returns the offset that page n of a list begins at, for a list
// whose length only its search tells.
func pageOffset(r *http.Request, perPage int) (int, error) {
	n, err := number(r, "page", 1, 1, math.MaxInt32/perPage)
	return (n - 1) * perPage, err
}
