package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aval/api/apitest"
)

// endless is a body of any length that counts what is read of it.
type endless struct{ read, left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	for i := range p[:n] {
		p[i] = 'e'
	}
	e.read, e.left = e.read+n, e.left-n
	return int(n), nil
}

// A document of fifty megabytes is refused for its announced length, or once the limit is passed, whichever it is known by.
func TestHugeCapturesAreNotRead(t *testing.T) {
	for name, announced := range map[string]int64{"announced": 50 << 20, "in chunks": -1} {
		body := &endless{left: 50 << 20}
		r := httptest.NewRequest(http.MethodPost, "/v1/epcis/capture", body)
		r.ContentLength = announced
		w := httptest.NewRecorder()
		New(Config{Ledger: apitest.New()}).Handler().ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), `"code":"too-large"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if body.read > 2*maxBodyBytes {
			t.Errorf("%s: %d bytes were read, limit %d", name, body.read, maxBodyBytes)
		}
	}
}
