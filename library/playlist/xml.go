package playlist

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// element writes one element with text in it, unless the text is empty.
func (p *printer) element(indent, name, text string) {
	if t := xmlText(text); t != "" {
		p.print(indent, "<", name, ">", t, "</", name, ">\n")
	}
}

// link writes one element that holds a URL, unless there is none.
func (p *printer) link(indent, name, url string) {
	p.element(indent, name, oneWord(url))
}

func writeXSPF(p *printer, l List) {
	p.print(xmlHead, `<playlist version="1" xmlns="http://xspf.org/ns/0/">`, "\n")
	p.element("  ", "title", l.Title)
	p.link("  ", "info", l.URL)
	p.print("  <trackList>\n")
	p.each(l, func(_ int, e Entry) {
		p.print("    <track>\n")
		p.link("      ", "location", e.URL)
		p.element("      ", "title", e.Title)
		p.element("      ", "creator", e.Artist)
		if wholeSeconds(e.Duration) > 0 {
			p.element("      ", "duration", strconv.FormatInt(int64(math.Round(e.Duration*1000)), 10))
		}
		p.print("    </track>\n")
	})
	p.print("  </trackList>\n</playlist>\n")
}

// writeASX writes ASX 3.0. It says its encoding the way Windows Media Player
// looks for it, since that player does not read it as XML.
func writeASX(p *printer, l List) {
	p.print(`<asx version="3.0">`, "\n", `  <param name="encoding" value="utf-8" />`, "\n")
	p.element("  ", "title", l.Title)
	p.each(l, func(_ int, e Entry) {
		p.print("  <entry>\n")
		p.element("    ", "title", e.Title)
		p.element("    ", "author", e.Artist)
		p.print(`    <ref href="`, xmlText(oneWord(e.URL)), `" />`, "\n")
		if s := wholeSeconds(e.Duration); s > 0 {
			p.print(`    <duration value="`, clock(s), `" />`, "\n")
		}
		p.print("  </entry>\n")
	})
	p.print("</asx>\n")
}

// clock returns seconds as hh:mm:ss.
func clock(s int64) string {
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

func writeRSS(p *printer, l List) {
	p.print(xmlHead, `<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">`, "\n  <channel>\n")
	title := cmp.Or(oneLine(l.Title), "MuStServ")
	p.element("    ", "title", title)
	p.link("    ", "link", l.URL)
	p.element("    ", "description", title) // RSS wants one
	p.each(l, p.episode)
	p.print("  </channel>\n</rss>\n")
}

func (p *printer) episode(_ int, e Entry) {
	url := oneWord(e.URL)
	p.print("    <item>\n")
	p.element("      ", "title", e.Title)
	p.element("      ", "itunes:author", e.Artist)
	p.print(`      <enclosure url="`, xmlText(url), `" length="`, strconv.FormatInt(max(0, e.Size), 10),
		`" type="`, xmlText(cmp.Or(e.MIME, "application/octet-stream")), `" />`, "\n")
	p.print(`      <guid isPermaLink="false">`, xmlText(cmp.Or(oneWord(e.ID), url)), "</guid>\n")
	if !e.Modified.IsZero() {
		p.element("      ", "pubDate", e.Modified.UTC().Format(time.RFC1123Z))
	}
	if s := wholeSeconds(e.Duration); s > 0 {
		p.element("      ", "itunes:duration", strconv.FormatInt(s, 10))
	}
	p.print("    </item>\n")
}
