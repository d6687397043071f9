package index

import (
	"strings"

	"mustserv/library/probe"
)

// common is what entries have in common, so that it takes memory once: the
// songs of an album have one artist, and most songs tracks and rates like
// those of others.
type common struct {
	words  map[string]string
	tracks map[[2]probe.Track][]probe.Track
	rates  map[[commonRates]probe.BurstRate][]probe.BurstRate
}

// commonRates is how many rates of a curve are compared; files have no more.
const commonRates = 6

// valueOf is an entry as records keep it.
func (c *common) valueOf(e Entry) any {
	if e.Info != nil {
		c.share(e.Info)
	}
	if e.Problem == "" && e.Kind == "" && e.Info != nil {
		return e.Info
	}
	return &e
}

// share replaces parts of an info by equal ones of others.
func (c *common) share(info *probe.Info) {
	for _, word := range []*string{&info.Container, &info.Artist, &info.Album, &info.Genre, &info.Codecs} {
		*word = c.word(*word)
	}
	info.Tracks = c.tracksLike(info.Tracks)
	info.Curve.Rates = c.ratesLike(info.Curve.Rates)
}

func (c *common) word(s string) string {
	if known, ok := c.words[s]; ok {
		return known
	}
	if c.words == nil {
		c.words = make(map[string]string)
	}
	s = strings.Clone(s)
	c.words[s] = s
	return s
}

func (c *common) tracksLike(tracks []probe.Track) []probe.Track {
	var key [2]probe.Track
	if len(tracks) == 0 || copy(key[:], tracks) < len(tracks) {
		return tracks
	}
	if known, ok := c.tracks[key]; ok && len(known) == len(tracks) {
		return known
	}
	if c.tracks == nil {
		c.tracks = make(map[[2]probe.Track][]probe.Track)
	}
	c.tracks[key] = tracks
	return tracks
}

func (c *common) ratesLike(rates []probe.BurstRate) []probe.BurstRate {
	var key [commonRates]probe.BurstRate
	if len(rates) == 0 || copy(key[:], rates) < len(rates) {
		return rates
	}
	if known, ok := c.rates[key]; ok && len(known) == len(rates) {
		return known
	}
	if c.rates == nil {
		c.rates = make(map[[commonRates]probe.BurstRate][]probe.BurstRate)
	}
	c.rates[key] = rates
	return rates
}
