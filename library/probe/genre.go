package probe

import (
	"strconv"
	"strings"
)

// genres are the names of the numbers that ID3v1 and iTunes have for genres.
const genres = "Blues|Classic Rock|Country|Dance|Disco|Funk|Grunge|Hip-Hop|Jazz|Metal|New Age|Oldies|Other|Pop|R&B|Rap|" +
	"Reggae|Rock|Techno|Industrial|Alternative|Ska|Death Metal|Pranks|Soundtrack|Euro-Techno|Ambient|Trip-Hop|Vocal|Jazz+Funk|Fusion|Trance|" +
	"Classical|Instrumental|Acid|House|Game|Sound Clip|Gospel|Noise|Alternative Rock|Bass|Soul|Punk|Space|Meditative|Instrumental Pop|Instrumental Rock|" +
	"Ethnic|Gothic|Darkwave|Techno-Industrial|Electronic|Pop-Folk|Eurodance|Dream|Southern Rock|Comedy|Cult|Gangsta|Top 40|Christian Rap|Pop/Funk|Jungle|" +
	"Native American|Cabaret|New Wave|Psychedelic|Rave|Showtunes|Trailer|Lo-Fi|Tribal|Acid Punk|Acid Jazz|Polka|Retro|Musical|Rock & Roll|Hard Rock|" +
	"Folk|Folk-Rock|National Folk|Swing|Fast Fusion|Bebop|Latin|Revival|Celtic|Bluegrass|Avantgarde|Gothic Rock|Progressive Rock|Psychedelic Rock|Symphonic Rock|Slow Rock|" +
	"Big Band|Chorus|Easy Listening|Acoustic|Humour|Speech|Chanson|Opera|Chamber Music|Sonata|Symphony|Booty Bass|Primus|Porn Groove|Satire|Slow Jam|" +
	"Club|Tango|Samba|Folklore|Ballad|Power Ballad|Rhythmic Soul|Freestyle|Duet|Punk Rock|Drum Solo|A Cappella|Euro-House|Dance Hall|Goa|Drum & Bass|" +
	"Club-House|Hardcore|Terror|Indie|BritPop|Afro-Punk|Polsk Punk|Beat|Christian Gangsta Rap|Heavy Metal|Black Metal|Crossover|Contemporary Christian|Christian Rock|Merengue|Salsa|" +
	"Thrash Metal|Anime|JPop|Synthpop"

// genreOf returns the name of a number, empty if it has none.
func genreOf(number int) string {
	names := strings.Split(genres, "|")
	if number < 0 || number >= len(names) {
		return ""
	}
	return names[number]
}

// id3Genre returns the name in a text of ID3v2: "Rock", "17", "(17)" or
// "(17)Rock".
func id3Genre(text string) string {
	number, rest, ok := strings.Cut(strings.TrimPrefix(text, "("), ")")
	if strings.HasPrefix(text, "(") && ok && rest != "" {
		return rest
	}
	if n, err := strconv.Atoi(number); err == nil {
		return genreOf(n)
	}
	return text
}
