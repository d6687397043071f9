package probe

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strings"

	"mustserv/ratelimit"
)

// Packed is an Info in a few bytes: that of a film takes a third of the
// memory. It is for this process only, not for a file: the format may be
// another one in every version.
type Packed string

// commonWords are what infos often hold, eight bytes for each; packed it takes
// one.
const commonWords = "video   audio   subtitlemp4     mkv     webm    avi     ts      " +
	"mpg     asf     flv     ogg     ogv     mp3     flac    wav     " +
	"aiff    aac     ac3     eac3    h264    hevc    av1     vp8     " +
	"vp9     mpeg1   mpeg2   mpeg4   mjpeg   vc1     wmv2    theora  " +
	"opus    vorbis  pcm     dts     truehd  wma     srt     ass     " +
	"pgs     dvbsub  en      eng     de      ger     fr      fre     " +
	"es      spa     it      ita     ja      jpn     und     "

const commonWidth = 8

// commonWord returns a common word.
func commonWord(n uint64) string {
	at := min(n, uint64(len(commonWords)/commonWidth-1)) * commonWidth
	return strings.TrimRight(commonWords[at:at+commonWidth], " ")
}

// commonIndex returns which common word s is.
func commonIndex(s string) (n uint64, ok bool) {
	if len(s) > commonWidth {
		return 0, false
	}
	for n = range uint64(len(commonWords) / commonWidth) {
		if commonWord(n) == s {
			return n, true
		}
	}
	return 0, false
}

// Pack returns the info packed, the empty string for nil.
func (i *Info) Pack() Packed {
	if i == nil {
		return ""
	}
	p := packer{packing: true, out: make([]byte, 0, 256)}
	p.info(i)
	return Packed(p.out)
}

// Info returns what was packed, nil for the empty string. It takes about a
// microsecond; strings in it are parts of the packed one.
func (p Packed) Info() *Info {
	if p == "" {
		return nil
	}
	i := new(Info)
	from := packer{in: string(p)}
	from.info(i)
	return i
}

// Title returns the info's title alone, at once.
func (p Packed) Title() string {
	if p == "" {
		return ""
	}
	from := packer{in: string(p)}
	return from.unpackText()
}

// Names returns the info's title, artist, album and album artist, at once.
func (p Packed) Names() (title, artist, album, albumArtist string) {
	if p == "" {
		return "", "", "", ""
	}
	from := packer{in: string(p)}
	title = from.unpackText()
	from.unpackText() // the container
	return title, from.unpackText(), from.unpackText(), from.unpackText()
}

// Head returns the info's own texts and numbers, up to Number, without tracks,
// chapters and what was measured: what a long list needs of each.
func (p Packed) Head() (i Info) {
	from := packer{in: string(p)}
	from.head(&i)
	return i
}

// packer packs or unpacks: each of its methods does either with the value that
// it is given, so that the format is written down once.
type packer struct {
	packing bool
	out     []byte
	in      string
	at      int // in it
}

// left is how many bytes are still to be unpacked.
func (p *packer) left() uint64 { return uint64(len(p.in) - p.at) }

func (p *packer) info(i *Info) {
	p.head(i)
	list(p, &i.Tracks, p.track)
	list(p, &i.Chapters, func(c *Chapter) { p.float(&c.Start); p.text(&c.Title) })
	list(p, &i.Parts, p.text)
	p.cover(&i.Cover)
	p.curve(&i.Curve)
}

func (p *packer) head(i *Info) {
	p.text(&i.Title)
	p.text(&i.Container)
	p.text(&i.Artist)
	p.text(&i.Album)
	p.text(&i.AlbumArtist)
	p.text(&i.Genre)
	p.text(&i.Codecs)
	p.float(&i.Duration)
	number(p, &i.Year)
	number(p, &i.Disc)
	number(p, &i.Number)
}

func (p *packer) track(t *Track) {
	p.text(&t.Kind)
	p.text(&t.Codec)
	p.text(&t.Language)
	number(p, &t.Width)
	number(p, &t.Height)
	p.float(&t.Frames)
	number(p, &t.Channels)
	number(p, &t.Hertz)
}

func (p *packer) cover(c **Cover) {
	there := *c != nil
	if p.flag(&there); !there {
		return
	}
	if !p.packing {
		*c = new(Cover)
	}
	p.text(&(*c).MIME)
	number(p, &(*c).Offset)
	number(p, &(*c).Size)
}

func (p *packer) curve(c *Curve) {
	number(p, &c.Average)
	number(p, &c.Peak)
	number(p, &c.Lead)
	number(p, &c.Header)
	number(p, &c.Trailer)
	p.flag(&c.Exact)
	var last BurstRate
	list(p, &c.Rates, func(r *BurstRate) {
		step := BurstRate{r.Burst - last.Burst, r.Rate - last.Rate} // smaller than they are
		number(p, &step.Burst)
		number(p, &step.Rate)
		last = BurstRate{last.Burst + step.Burst, last.Rate + step.Rate}
		if !p.packing {
			*r = last
		}
	})
	list(p, &c.Shape, func(r *ratelimit.Rate) { number(p, r) })
	p.float(&c.Schedule.Cell)
	list(p, &c.Schedule.Bytes, func(n *int64) { number(p, n) })
}

// list does each element of a list. An empty one is nil once unpacked.
func list[T any](p *packer, l *[]T, element func(*T)) {
	n := p.natural(uint64(len(*l)))
	if !p.packing && n > 0 {
		*l = make([]T, min(n, p.left())) // an element takes a byte at least
	}
	for i := range *l {
		element(&(*l)[i])
	}
}

// text does a string: twice its length and the bytes, or for a common word an
// odd number.
func (p *packer) text(s *string) {
	if !p.packing {
		*s = p.unpackText()
		return
	}
	if n, ok := commonIndex(*s); ok {
		p.natural(n<<1 | 1)
		return
	}
	p.natural(uint64(len(*s)) << 1)
	p.out = append(p.out, *s...)
}

func (p *packer) unpackText() string {
	n := p.natural(0)
	if n&1 == 1 {
		return commonWord(n >> 1)
	}
	from := p.at
	p.at += int(min(n>>1, p.left()))
	return p.in[from:p.at]
}

func (p *packer) flag(f *bool) {
	n := 0
	if *f {
		n = 1
	}
	if number(p, &n); !p.packing {
		*f = n == 1
	}
}

// float does a number whose last bits are mostly zero.
func (p *packer) float(f *float64) {
	n := p.natural(bits.ReverseBytes64(math.Float64bits(*f)))
	if !p.packing {
		*f = math.Float64frombits(bits.ReverseBytes64(n))
	}
}

func number[T ~int | ~int64](p *packer, v *T) {
	n := p.natural(uint64(*v)<<1 ^ uint64(int64(*v)>>63)) // small for small negative ones too
	if !p.packing {
		*v = T(int64(n>>1) ^ -int64(n&1))
	}
}

// natural packs n in seven bits of each byte, or unpacks and returns such a
// number; what is cut off is 0.
func (p *packer) natural(n uint64) uint64 {
	if p.packing {
		p.out = binary.AppendUvarint(p.out, n)
		return n
	}
	n = 0
	for shift := 0; p.at < len(p.in); shift += 7 {
		b := p.in[p.at]
		p.at++
		if n |= uint64(b&0x7f) << shift; b < 0x80 {
			break
		}
	}
	return n
}
