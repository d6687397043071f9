package webui

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"mustserv/library"
	"mustserv/library/probe"
	"mustserv/ratelimit"
)

func TestChart(t *testing.T) {
	curve := probe.Curve{Average: 1e6, Peak: 3e6, Shape: []ratelimit.Rate{0, 1e6, 5e6, 2e6}}
	for _, row := range []struct {
		name        string
		file        string
		info        *probe.Info
		paced       int64
		says, lacks string
	}{
		{"film", "a.mp4", &probe.Info{Duration: 90, Curve: curve}, 1.5e6, "paced 1.5 Mbit/s", "NaN"},
		{"only an average", "a.mp3", &probe.Info{Curve: probe.Curve{Average: 128e3}}, 160e3, "average 128 kbit/s", "<path"},
		{"nothing", "a.mp3", new(probe.Info), 0, "<svg", "Inf"},
		{"odd name", "<script>\x01\"'\u202e&.mp4", &probe.Info{Curve: curve}, 1, "&lt;script", "<script"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var b strings.Builder
			if err := WriteChart(&b, (&library.Item{Name: row.file}).WithInfo(row.info), row.paced, 1<<20); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), row.says) || strings.Contains(b.String(), row.lacks) {
				t.Errorf("want %q and no %q: %s", row.says, row.lacks, b.String())
			}
			for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("not well-formed: %v\n%s", err, b.String())
				}
			}
		})
	}
}
