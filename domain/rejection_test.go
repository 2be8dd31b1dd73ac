package domain_test

import (
	"errors"
	"testing"

	"aval/domain"
)

// wantCode fails the test unless err is a rejection with that code, or nil for the empty code.
func wantCode(t *testing.T, what string, err error, code domain.Code) {
	t.Helper()
	var refusal *domain.Rejection
	switch {
	case code == "" && err == nil:
	case code == "":
		t.Errorf("%s: refused: %v", what, err)
	case !errors.As(err, &refusal):
		t.Errorf("%s: got %v, want refusal %s", what, err, code)
	case refusal.Code != code:
		t.Errorf("%s: got %v, want refusal %s", what, err, code)
	}
}

func TestRejectionSaysCodeAndSentence(t *testing.T) {
	err := domain.Refuse(domain.TooLarge, "%d bytes, limit %d", 5, 4)
	if got, want := err.Error(), "too-large: 5 bytes, limit 4"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
