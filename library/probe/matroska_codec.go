package probe

import (
	"encoding/binary"
	"strings"
)

// mkvCodec returns the everyday name of a codec by its id, and by its
// configuration where the id only says whose names are used there.
func mkvCodec(id string, config []byte) string {
	switch {
	case id == "V_MS/VFW/FOURCC" && len(config) >= 20:
		return mkvFourCC(string(config[16:20]))
	case id == "A_MS/ACM" && len(config) >= 2:
		return wavCodec(binary.LittleEndian.Uint16(config))
	case (id == "V_QUICKTIME" || id == "A_QUICKTIME") && len(config) >= 8:
		return mkvFourCC(string(config[4:8]))
	case strings.HasPrefix(id, "V_"):
		return mkvVideo(id)
	case strings.HasPrefix(id, "A_"):
		return mkvAudio(id)
	case strings.HasPrefix(id, "S_"), strings.HasPrefix(id, "D_"):
		return mkvSubtitle(id)
	}
	return letters(id)
}

// mkvVideo names codecs of pictures.
func mkvVideo(id string) string {
	switch id {
	case "V_MPEG4/ISO/AVC":
		return "h264"
	case "V_MPEGH/ISO/HEVC":
		return "hevc"
	case "V_MPEGI/ISO/VVC":
		return "vvc"
	case "V_MPEG4/ISO/SP", "V_MPEG4/ISO/ASP", "V_MPEG4/ISO/AP":
		return "mpeg4"
	case "V_MPEG4/MS/V3":
		return "msmpeg4"
	case "V_UNCOMPRESSED":
		return "raw"
	}
	name, _, _ := strings.Cut(id[2:], "/") // V_VP8, V_VP9, V_AV1, V_MPEG1, V_MPEG2, V_THEORA, V_MJPEG, V_FFV1 …
	if name == "REAL" {
		name = id[len("V_REAL/"):]
	}
	return letters(name)
}

// mkvAudio names codecs of sound.
func mkvAudio(id string) string {
	switch id {
	case "A_MPEG/L1":
		return "mp1"
	case "A_MPEG/L2":
		return "mp2"
	case "A_MPEG/L3":
		return "mp3"
	case "A_WAVPACK4":
		return "wavpack"
	case "A_TTA1":
		return "tta"
	}
	name, _, _ := strings.Cut(id[2:], "/") // A_AAC, A_AC3, A_EAC3, A_DTS, A_TRUEHD, A_VORBIS, A_OPUS, A_FLAC, A_PCM, A_ALAC …
	if name == "REAL" {
		name = id[len("A_REAL/"):]
	}
	return letters(name)
}

// mkvSubtitle names kinds of subtitles.
func mkvSubtitle(id string) string {
	switch id {
	case "S_TEXT/UTF8", "S_TEXT/ASCII":
		return "srt"
	case "S_TEXT/ASS", "S_ASS":
		return "ass"
	case "S_TEXT/SSA", "S_SSA":
		return "ssa"
	case "S_TEXT/WEBVTT", "D_WEBVTT/SUBTITLES", "D_WEBVTT/CAPTIONS":
		return "webvtt"
	case "S_TEXT/USF":
		return "usf"
	case "S_HDMV/PGS":
		return "pgs"
	case "S_HDMV/TEXTST":
		return "textst"
	case "S_VOBSUB", "S_VOBSUB/ZLIB":
		return "vobsub"
	case "S_DVBSUB":
		return "dvbsub"
	}
	return letters(id[2:])
}

// mkvFourCC names a codec of Video for Windows or QuickTime.
func mkvFourCC(code string) string {
	switch strings.ToUpper(code) {
	case "H264", "X264", "AVC1", "DAVC", "VSSH":
		return "h264"
	case "HEVC", "H265", "X265", "HVC1":
		return "hevc"
	case "XVID", "DIVX", "DX50", "MP4V", "FMP4", "3IV2", "RMP4":
		return "mpeg4"
	case "DIV3", "DIV4", "MP43", "MP42", "MPG4":
		return "msmpeg4"
	case "WMV3", "WVC1", "WMV1", "WMV2":
		return strings.ToLower(code)
	case "MPG1", "MPEG":
		return "mpeg1"
	case "MPG2", "MPG3":
		return "mpeg2"
	case "MJPG":
		return "mjpeg"
	}
	if name := mp4Codec(code); name != "" {
		return name
	}
	return letters(code)
}
