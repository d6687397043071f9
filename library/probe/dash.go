package probe

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"
)

// recogniseDASH looks for the root element of an MPD (ISO/IEC 23009-1).
func recogniseDASH(in *input) (bool, error) {
	head, err := in.head(headBytes)
	i := bytes.Index(head, []byte("<MPD"))
	return i >= 0 && bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"), []byte("<")), err
}

// readDASH reads what an MPD says of its representations and their segments.
func readDASH(in *input) (*Info, error) {
	text, err := in.load(0, min(in.size, manifestMax))
	if err != nil {
		return nil, err
	}
	info, parts, top := new(Info), make(partNames), map[string]float64{}
	var set string // content type of the adaptation set
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = false
	for {
		token, err := d.Token()
		if err != nil {
			break // the end, or where it is no XML any more
		}
		switch e := token.(type) {
		case xml.CharData:
			continue
		case xml.StartElement:
			a := xmlAttributes(e)
			switch e.Name.Local {
			case "MPD":
				info.Duration = isoSeconds(a["mediaPresentationDuration"])
			case "AdaptationSet":
				set = a["contentType"] + a["mimeType"]
			case "Representation":
				kind := set + a["mimeType"]
				top[kind] = max(top[kind], positive(a["bandwidth"]))
				info.variant(a["width"]+"x"+a["height"], a["codecs"], 0)
			case "SegmentTemplate":
				parts.addTemplate(a["initialization"])
				parts.addTemplate(a["media"])
			case "SegmentURL", "Initialization":
				parts.add(a["media"] + a["sourceURL"])
			}
		}
	}
	var all float64 // picture and sound come at the same time
	for _, v := range top {
		all += v
	}
	info.Parts, info.Curve = parts.patterns(), segmentCurve(all)
	return info, nil
}

func xmlAttributes(e xml.StartElement) map[string]string {
	all := make(map[string]string, len(e.Attr))
	for _, a := range e.Attr {
		all[a.Name.Local] = a.Value
	}
	return all
}

// addTemplate enters the names of a template: $Number%05d$ stands for any.
func (p partNames) addTemplate(template string) {
	fields := strings.Split(template, "$")
	if template == "" || len(fields)%2 == 0 || strings.HasPrefix(template, "/") || strings.Contains(template, "://") || len(template) > 1024 {
		return
	}
	var b strings.Builder
	for i, f := range fields {
		if i%2 == 0 {
			b.WriteString(escapePattern(f))
		} else {
			b.WriteByte('*')
		}
	}
	if len(p) < 10*mostParts {
		p[b.String()] = make([]string, alikeParts) // a pattern already
	}
}

// isoSeconds reads an ISO 8601 duration of days at most: PT1H2M3.5S.
func isoSeconds(s string) float64 {
	m := regexp.MustCompile(`^P(?:(\d{1,6})D)?T?(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9}(?:\.\d+)?)S)?$`).FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	var sum float64
	for i, unit := range []float64{86400, 3600, 60, 1} {
		v, _ := strconv.ParseFloat(m[i+1], 64) // empty is 0
		sum += v * unit
	}
	return sum
}
