package library

import (
	"strings"

	"mustserv/library/probe"
)

// byExtension returns the kind and MIME type of files with an extension
// (without dot, in lower case), and "" for those that are no media files.
//
// Where a type has several names, the one is chosen that televisions and old
// players take: video/x-matroska (video/x-mkv hides files on some),
// video/x-msvideo, audio/mpeg, audio/wav and audio/flac rather than their
// registered or older variants.
func byExtension(ext string) (Kind, string) {
	switch ext {
	case "mp4", "m4v", "mp4v", "f4v":
		return Video, "video/mp4"
	case "mov", "qt":
		return Video, "video/quicktime"
	case "3gp", "3gpp":
		return Video, "video/3gpp"
	case "3g2", "3gp2":
		return Video, "video/3gpp2"
	case "mkv", "mk3d":
		return Video, "video/x-matroska"
	case "webm":
		return Video, "video/webm"
	case "avi", "divx":
		return Video, "video/x-msvideo"
	case "ts", "m2ts", "mts", "m2t", "tts", "trp":
		return Video, "video/mp2t"
	case "mpg", "mpeg", "mpe", "m1v", "m2v", "mpv", "vob", "vdr", "evo":
		return Video, "video/mpeg"
	case "wmv":
		return Video, "video/x-ms-wmv"
	case "asf":
		return Video, "video/x-ms-asf"
	case "dvr-ms":
		return Video, "video/x-ms-dvr"
	case "wtv":
		return Video, "video/x-ms-wtv"
	case "flv":
		return Video, "video/x-flv"
	case "ogv", "ogm":
		return Video, "video/ogg"
	case "mjpeg", "mjpg":
		return Video, "video/x-motion-jpeg"
	case "rm", "rv":
		return Video, "application/vnd.rn-realmedia"
	case "rmvb":
		return Video, "application/vnd.rn-realmedia-vbr"
	case "dv":
		return Video, "video/x-dv"
	case "mxf":
		return Video, "application/mxf"
	case "nut":
		return Video, "video/x-nut"
	case "mpd":
		return Video, "application/dash+xml"
	}
	return byExtensionSound(ext)
}

func byExtensionSound(ext string) (Kind, string) {
	switch ext {
	case "mp3", "mp2", "mpa", "mpga", "m2a":
		return Audio, "audio/mpeg"
	case "m4a", "m4b", "m4r", "mp4a":
		return Audio, "audio/mp4"
	case "aac", "adts":
		return Audio, "audio/aac"
	case "flac", "fla":
		return Audio, "audio/flac"
	case "wav", "wave", "rf64", "w64":
		return Audio, "audio/wav"
	case "ogg", "oga", "opus", "spx":
		return Audio, "audio/ogg" // audio/opus is for bare packets, not for files
	case "mka":
		return Audio, "audio/x-matroska"
	case "weba":
		return Audio, "audio/webm"
	case "wma":
		return Audio, "audio/x-ms-wma"
	case "ac3":
		return Audio, "audio/ac3"
	case "eac3", "ec3":
		return Audio, "audio/eac3"
	case "dts", "dtshd":
		return Audio, "audio/vnd.dts"
	case "thd", "truehd", "mlp":
		return Audio, "audio/vnd.dolby.mlp"
	case "aif", "aiff", "aifc":
		return Audio, "audio/aiff"
	case "ape":
		return Audio, "audio/x-ape"
	case "wv":
		return Audio, "audio/x-wavpack"
	case "mpc", "mp+":
		return Audio, "audio/x-musepack"
	case "tta":
		return Audio, "audio/x-tta"
	case "tak":
		return Audio, "audio/x-tak"
	case "dsf", "dff":
		return Audio, "audio/x-dsd"
	case "caf":
		return Audio, "audio/x-caf"
	case "amr", "awb":
		return Audio, "audio/amr"
	case "au", "snd":
		return Audio, "audio/basic"
	case "ra":
		return Audio, "audio/vnd.rn-realaudio"
	case "mid", "midi", "kar":
		return Audio, "audio/midi"
	}
	return byExtensionBeside(ext)
}

// byExtensionBeside knows the files that lie beside films and music.
func byExtensionBeside(ext string) (Kind, string) {
	switch ext {
	case "m4s", "cmfv", "cmfa":
		return Segment, "video/iso.segment"
	case "srt":
		return Subtitle, "application/x-subrip"
	case "vtt":
		return Subtitle, "text/vtt"
	case "ass", "ssa":
		return Subtitle, "text/x-ssa"
	case "smi", "sami":
		return Subtitle, "application/smil"
	case "sub", "sup":
		return Subtitle, "application/octet-stream" // text or pictures
	case "idx":
		return Subtitle, "text/plain"
	case "jpg", "jpeg":
		return Image, "image/jpeg"
	case "png":
		return Image, "image/png"
	case "webp":
		return Image, "image/webp"
	case "gif":
		return Image, "image/gif"
	case "bmp":
		return Image, "image/bmp"
	case "m3u", "m3u8":
		return Playlist, manifestMIME(Playlist)
	case "pls":
		return Playlist, "audio/x-scpls"
	case "xspf":
		return Playlist, "application/xspf+xml"
	case "asx", "wax", "wvx":
		return Playlist, "video/x-ms-asf"
	case "cue":
		return Playlist, "application/x-cue"
	}
	return "", ""
}

// manifestMIME is the type of an M3U file: a list of songs, or of the
// segments of a film, which alone says how it is to be read.
func manifestMIME(kind Kind) string {
	if kind == Video {
		return "application/vnd.apple.mpegurl"
	}
	return "audio/x-mpegurl"
}

// byContent returns the kind and MIME type of a measured file. The content
// counts where it is not what the extension says, or where there is none; a
// film's container without a picture is music. An Ogg file with pictures is a
// container of its own, "ogv", as its type is.
func byContent(name string, info *probe.Info) (Kind, string) {
	switch info.Container {
	case "hls":
		return Video, manifestMIME(Video)
	case "dash":
		return byExtension("mpd")
	}
	kind, mime := byExtension(extension(name))
	if family(mime) != family(containerMIME(info.Container)) {
		kind, mime = byExtension(info.Container)
	}
	if sound := soundMIME(info.Container); sound != "" && kind == Video && hasSoundOnly(info) {
		return Audio, sound
	}
	return kind, mime
}

// soundMIME is the type of a film's container without a picture, where it has
// one.
func soundMIME(container string) string {
	switch container {
	case "mp4":
		return "audio/mp4"
	case "mkv":
		return "audio/x-matroska"
	case "webm":
		return "audio/webm"
	case "asf":
		return "audio/x-ms-wma"
	}
	return ""
}

func containerMIME(container string) string {
	_, mime := byExtension(container)
	return mime
}

// family returns one type for those that one container has several of.
func family(mime string) string {
	switch mime {
	case "audio/mp4", "video/quicktime", "video/3gpp", "video/3gpp2":
		return "video/mp4"
	case "audio/x-matroska", "video/webm", "audio/webm":
		return "video/x-matroska"
	case "audio/x-ms-wma", "video/x-ms-wmv":
		return "video/x-ms-asf"
	}
	return mime
}

func hasSoundOnly(info *probe.Info) bool {
	sound := false
	for _, t := range info.Tracks {
		switch t.Kind {
		case "video":
			return false
		case "audio":
			sound = true
		}
	}
	return sound
}

// extension returns what follows the last dot of a name, in lower case, if
// it looks like an extension: "Mr. Bean" has none.
func extension(name string) string {
	dot := strings.LastIndexByte(name, '.')
	ext := name[dot+1:]
	if dot <= 0 || ext == "" || len(ext) > 6 {
		return ""
	}
	for i := range len(ext) {
		if c := lowerByte(ext[i]); !isDigit(c) && (c < 'a' || c > 'z') && c != '-' && c != '+' {
			return ""
		}
	}
	return strings.ToLower(ext)
}

// examinable reports whether the content of a file with such a name has to be
// looked at: films and music to measure them, files without extension to see
// whether they are that, M3U files to tell the two sorts apart.
func examinable(kind Kind, name string) bool {
	switch extension(name) {
	case "":
		return true
	case "m3u", "m3u8", "mpd":
		return true
	}
	return kind == Video || kind == Audio
}
