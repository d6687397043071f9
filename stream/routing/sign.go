package routing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	signatureHeader = "MuStServ-Signature"
	digestHeader    = "Content-Digest"
	signatureFor    = 5 * time.Minute // clocks may go so far apart
)

// signer signs what nodes ask of each other. Without a secret it signs
// nothing, and nothing is signed.
type signer []byte

// sign signs a request.
func (k signer) sign(r *http.Request, now time.Time) {
	if len(k) > 0 {
		at := strconv.FormatInt(now.Unix(), 16)
		r.Header.Set(signatureHeader, at+"."+k.mac(r, at))
	}
}

// signed reports whether a node signed the request.
func (k signer) signed(r *http.Request, now time.Time) bool {
	text := r.Header.Get(signatureHeader)
	if text == "" || len(k) == 0 {
		return false
	}
	at, mac, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(at, 16, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > signatureFor {
		return false
	}
	return hmac.Equal([]byte(mac), []byte(k.mac(r, at)))
}

// mac binds a signature to its time, and to what is asked for: the path by
// which the node that is asked sees it, and what of it.
func (k signer) mac(r *http.Request, at string) string {
	mac := hmac.New(sha256.New, k)
	for _, text := range []string{"node", at, r.Method, r.URL.RequestURI(), r.Header.Get("Range"), r.Header.Get(digestHeader)} {
		fmt.Fprintf(mac, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// digest is that of a body (RFC 9530).
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// Derive makes a secret for nodes of the key that they sign sessions with;
// none of none. Who knows the one does not know the other.
func Derive(key string) Secret {
	if key == "" {
		return ""
	}
	return Secret(fingerprint(key, "secret of the nodes"))
}

// Fingerprint is what a node may tell of texts, so that others see that they
// have others. It tells nothing of a text that can't be guessed.
func Fingerprint(texts ...string) string { return fingerprint("", texts...)[:16] }

func fingerprint(key string, texts ...string) string {
	mac := hmac.New(sha256.New, []byte(key))
	for _, text := range texts {
		fmt.Fprintf(mac, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(mac.Sum(nil))
}
