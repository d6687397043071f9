package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const macSize = 16 // bytes of a signature: 128 bit

// key signs.
type key []byte

// OpenKey returns the key that an instance keeps in a file, and makes it if it
// is not there: so sessions and URLs outlive a start.
func OpenKey(file string) ([]byte, error) {
	kept, err := os.ReadFile(file)
	if err == nil && len(kept) >= keyMin {
		return kept, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key that signs sessions: %w; remove the file and a new one is made", err)
	}
	made := make([]byte, keyMin)
	rand.Read(made) // never fails
	if err := os.WriteFile(file, made, 0o600); err != nil {
		return nil, fmt.Errorf("keep the key that signs sessions: %w; the folder for the index must be one that can be written", err)
	}
	return made, nil
}

// sign returns the signature of some texts for one purpose. Lengths stand
// before them, so that no two lists of texts are signed alike.
func (k key) sign(purpose string, texts ...string) string {
	mac := hmac.New(sha256.New, k)
	for _, text := range append([]string{purpose}, texts...) {
		fmt.Fprintf(mac, "%d:%s", len(text), text)
	}
	return encode(mac.Sum(nil)[:macSize])
}

// signed reports whether a signature is the one of these texts.
func (k key) signed(signature, purpose string, texts ...string) bool {
	return hmac.Equal([]byte(signature), []byte(k.sign(purpose, texts...)))
}
