package identity

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"io"
)

// MaxSealedText bounds what OpenText looks at, in characters.
const MaxSealedText = 8192

// SealText returns a value as text for an address: packed, encrypted, and opened for the
// same use only.
func (s Sealer) SealText(use string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(plain); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.Seal(b.Bytes(), []byte(use))), nil
}

// OpenText reads what SealText made for the same use, and reports whether it is that.
func (s Sealer) OpenText(use, text string, v any) bool {
	if len(text) > MaxSealedText {
		return false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return false
	}
	packed, err := s.Unseal(sealed, []byte(use))
	if err != nil {
		return false
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed))) // only what we packed ourselves
	return err == nil && json.Unmarshal(plain, v) == nil
}
