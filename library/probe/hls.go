package probe

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"mustserv/ratelimit"
)

const manifestMax = 4 << 20 // bytes of a manifest that are read

// recogniseHLS tells an HLS playlist (RFC 8216) from a plain list of songs,
// which begins alike.
func recogniseHLS(in *input) (bool, error) {
	head, err := in.head(headBytes)
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	return bytes.HasPrefix(head, []byte("#EXTM3U")) && bytes.Contains(head, []byte("\n#EXT-X-")), err
}

// readHLS reads a media playlist or a master playlist. Of segments only the
// declared bit rate is known.
func readHLS(in *input) (*Info, error) {
	text, err := in.load(0, min(in.size, manifestMax))
	if err != nil {
		return nil, err
	}
	info, parts := new(Info), make(partNames)
	var top, seconds float64
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		line = strings.TrimSpace(line)
		tag, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
		case !strings.HasPrefix(line, "#"):
			parts.add(line)
		case tag == "#EXTINF":
			length, _, _ := strings.Cut(value, ",")
			seconds += positive(length)
		case tag == "#EXT-X-BITRATE":
			top = max(top, 1000*positive(value))
		case tag == "#EXT-X-STREAM-INF":
			a := attributes(value)
			top = max(top, positive(a["BANDWIDTH"]))
			info.variant(a["RESOLUTION"], a["CODECS"], positive(a["FRAME-RATE"]))
		}
		if uri := attributes(value)["URI"]; uri != "" && strings.HasPrefix(line, "#") {
			parts.add(uri)
		}
	}
	info.Duration, info.Parts = seconds, parts.patterns()
	info.Curve = segmentCurve(top)
	return info, nil
}

// segmentCurve is what the segments of a stream need that declares a highest
// bit rate: players fetch whole segments and measure how fast they come, so at
// least twice that, lest they turn to a poorer picture. Nothing, if nothing is
// declared.
func segmentCurve(bandwidth float64) Curve {
	if !(bandwidth >= 1000 && bandwidth <= maxAverage*8) {
		return Curve{}
	}
	twice := ratelimit.Rate(math.Ceil(2 * bandwidth))
	return Curve{
		Average: ratelimit.Rate(math.Ceil(bandwidth)), Peak: ratelimit.Rate(math.Ceil(bandwidth)),
		Rates: []BurstRate{{64 * ratelimit.KiB, twice}},
	}
}

// variant enters one of the streams that a manifest offers: the track list is
// that of the largest picture.
func (i *Info) variant(resolution, codecs string, frames float64) {
	w, h, _ := strings.Cut(resolution, "x")
	width, _ := strconv.Atoi(w) // 0 if there is none
	height, _ := strconv.Atoi(h)
	if width <= 0 || height <= 0 || width > 1<<16 || height > 1<<16 {
		return
	}
	if len(i.Tracks) > 0 && i.Tracks[0].Width >= width {
		return
	}
	i.Tracks = []Track{{Kind: "video", Width: width, Height: height, Frames: frames}}
	if len(codecs) < 200 {
		i.Codecs = codecs
	}
}

// attributes reads an attribute list: A=1,B="x,y".
func attributes(list string) map[string]string {
	all := make(map[string]string)
	for len(list) > 0 && len(all) < 64 {
		name, rest, ok := strings.Cut(list, "=")
		if !ok {
			break
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, rest, _ = strings.Cut(rest[1:], `"`)
			_, list, _ = strings.Cut(rest, ",")
		} else {
			value, list, _ = strings.Cut(rest, ",")
		}
		all[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return all
}

// positive reads a number of seconds or bits; 0 is what is none.
func positive(s string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(v > 0) || v > maxTime {
		return 0
	}
	return v
}
