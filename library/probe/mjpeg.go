package probe

import "bytes"

// Limits of lab MJPEG files: pictures of JPEG, each with its length in five
// ASCII digits in front, 20 of them in a second.
const (
	mjpegFrames  = 20      // per second
	maxPictures  = 1 << 20 // 14 hours
	mjpegNear    = 32 << 20
	mjpegAhead   = 64 << 10
	mjpegDigits  = 5
	mjpegPicture = "\xff\xd8" // what a JPEG begins with
)

// recogniseMJPEG goes by the first length and the begin of a picture after it.
func recogniseMJPEG(in *input) (bool, error) {
	b, err := in.head(mjpegDigits + len(mjpegPicture))
	if err != nil {
		return false, err
	}
	_, ok := mjpegLength(b)
	return ok && string(b[mjpegDigits:]) == mjpegPicture, nil
}

// mjpegLength reads the digits that b begins with.
func mjpegLength(b []byte) (n int64, ok bool) {
	if len(b) < mjpegDigits+len(mjpegPicture) {
		return 0, false
	}
	for _, c := range b[:mjpegDigits] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n >= int64(len(mjpegPicture))
}

// readMJPEG follows the lengths from picture to picture. What is no picture
// ends the film; it must not be more than the film.
func readMJPEG(in *input) (*Info, error) {
	width, height, err := mjpegSize(in)
	if err != nil {
		return nil, err
	}
	ahead := mjpegDigits + len(mjpegPicture)
	if in.size <= mjpegNear {
		ahead = mjpegAhead // pictures are small: seeks do not pay
	}
	c, at, count := newCurve(in.size), int64(0), 0
	for ; in.size > at; count++ {
		b, err := in.peek(at, int(min(mjpegDigits+2, in.size-at)), ahead)
		if err != nil {
			return nil, err
		}
		n, ok := mjpegLength(b)
		if ok = ok && string(b[mjpegDigits:]) == mjpegPicture; !ok || count == maxPictures {
			if at < in.size/2 {
				return nil, flawf("picture %d at byte %d: it begins with %q, not with its length in five digits and a JPEG", count+1, at, b)
			}
			c.cut = true
			break
		}
		c.add(float64(count)/mjpegFrames, 1.0/mjpegFrames, at, mjpegDigits+n)
		at += mjpegDigits + n
	}
	sum, err := c.sum(true)
	if err != nil {
		return nil, err
	}
	track := Track{Kind: "video", Codec: "mjpeg", Width: width, Height: height, Frames: mjpegFrames}
	return &Info{Duration: float64(count) / mjpegFrames, Tracks: []Track{track}, Curve: sum}, nil
}

// mjpegSize returns the width and height of the first picture, 0 if they are
// not told in the begin of the file.
func mjpegSize(in *input) (width, height int, err error) {
	b, err := in.head(headBytes)
	if err != nil {
		return 0, 0, err
	}
	b = bytes.TrimPrefix(b[mjpegDigits:], []byte(mjpegPicture))
	for len(b) >= 9 && b[0] == 0xff {
		kind, n := b[1], int(b[2])<<8|int(b[3])+2
		if kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc {
			return int(b[7])<<8 | int(b[8]), int(b[5])<<8 | int(b[6]), nil
		}
		if n > len(b) {
			break
		}
		b = b[n:]
	}
	return 0, 0, nil
}
