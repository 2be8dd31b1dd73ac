package envelope_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
)

func signer(t testing.TB, algorithm string) *envelope.Signer {
	t.Helper()
	s, err := envelope.NewSigner(algorithm, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func command() domain.Command {
	return domain.Command{
		Ledger: "ledger.example/test", ID: "01JDQ4Y0R7TT0K7V9Z4W4K5M6N", Kind: "cash/1", Contract: "main",
		Name: "transfer", Body: []byte(`{"to":"acme"}`), NotAfter: 1,
	}
}

func TestSignedCommandComesBackAndVerifies(t *testing.T) {
	for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
		s := signer(t, algorithm)
		raw, err := envelope.SealCommand(s, command())
		if err != nil {
			t.Fatal(err)
		}
		got, shell, err := envelope.OpenCommand(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := envelope.Verify(s.Key, shell); err != nil {
			t.Error(err)
		}
		if got.ID != command().ID || !bytes.Equal(got.Body, command().Body) {
			t.Errorf("%s: got %+v", algorithm, got)
		}
		if err := envelope.CheckKey(s.Key); err != nil {
			t.Error(err)
		}
		again, err := s.Format()
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := envelope.ParseSigner(again); err != nil || parsed.Key.ID != s.Key.ID {
			t.Errorf("%s: key file does not come back: %v", algorithm, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
		s, other := signer(t, algorithm), signer(t, algorithm)
		raw, _ := envelope.SealCommand(s, command())
		_, shell, _ := envelope.OpenCommand(raw)
		changed := shell
		changed.Input = append(bytes.Clone(shell.Input), 'x')
		short := shell
		short.Signature = shell.Signature[:63]
		crossed := shell
		crossed.Algorithm = map[string]string{envelope.EdDSA: envelope.ES256, envelope.ES256: envelope.EdDSA}[algorithm]
		for name, c := range map[string]struct {
			key   domain.Key
			shell domain.Signed
		}{
			"other key": {other.Key, shell}, "changed": {s.Key, changed}, "short": {s.Key, short}, "other algorithm": {s.Key, crossed},
		} {
			var refusal *domain.Rejection
			if err := envelope.Verify(c.key, c.shell); !errors.As(err, &refusal) || refusal.Code != domain.BadSignature {
				t.Errorf("%s, %s: got %v", algorithm, name, err)
			}
		}
	}
}

func TestOpenRefusesBadForm(t *testing.T) {
	s := signer(t, envelope.EdDSA)
	seal := func(payload any) []byte {
		raw, err := envelope.Seal(s, envelope.CommandType, payload)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := seal(command())
	short := command()
	short.ID = "01JDQ"
	odd := command()
	odd.Contract = "a/b"
	token, _ := envelope.SealToken(s, "l", 0)
	for name, c := range map[string]struct {
		raw  []byte
		code domain.Code
	}{
		"empty":         {nil, domain.Malformed},
		"two parts":     {[]byte("a.b"), domain.Malformed},
		"line break":    {append(bytes.Clone(good), '\n'), domain.Malformed},
		"padding":       {append(bytes.Clone(good), '='), domain.Malformed},
		"unknown field": {seal(map[string]any{"ledger": "l", "extra": 1}), domain.Malformed},
		"short ID":      {seal(short), domain.Malformed},
		"slash":         {seal(odd), domain.Malformed},
		"other typ":     {token, domain.Malformed},
		"too large":     {make([]byte, domain.MaxCommandBytes+1), domain.TooLarge},
	} {
		var refusal *domain.Rejection
		if _, _, err := envelope.OpenCommand(c.raw); !errors.As(err, &refusal) || refusal.Code != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

func TestTokenWindow(t *testing.T) {
	s := signer(t, envelope.EdDSA)
	now := domain.Millis(1_700_000_000_000)
	raw, err := envelope.SealToken(s, "l", now)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ledger string
		now    domain.Millis
		code   domain.Code
	}{
		"now": {"l", now, ""}, "last second": {"l", now + envelope.MaxTokenLifetime - 1000, ""},
		"expired": {"l", now + envelope.MaxTokenLifetime, domain.Expired},
		"future":  {"l", now - 61_000, domain.Expired}, "other ledger": {"m", now, domain.WrongLedger},
	} {
		_, err := envelope.OpenToken(raw, c.ledger, c.now)
		var refusal *domain.Rejection
		if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &refusal) || refusal.Code != c.code) {
			t.Errorf("%s: got %v, want %q", name, err, c.code)
		}
	}
}

func FuzzOpenCommand(f *testing.F) {
	s := signer(f, envelope.EdDSA)
	raw, _ := envelope.SealCommand(s, command())
	f.Add(raw)
	f.Add([]byte("e30.e30."))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, shell, err := envelope.OpenCommand(raw)
		var refusal *domain.Rejection
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("not a rejection: %v", err)
		}
		if err == nil && !bytes.HasPrefix(raw, shell.Input) {
			t.Fatal("the signing input is not part of the received bytes")
		}
	})
}

func FuzzDecodeObservation(f *testing.F) {
	s := signer(f, envelope.EdDSA)
	raw, _ := envelope.SealObservation(s, domain.Observation{
		Ledger: "l", Kind: "flightdelay/1", Subject: "AS-98-ANC-SEA-2015-01-01", Epoch: 1, Sequence: 1,
		Flight: &domain.FlightStatus{Phase: domain.FlightLanded},
	})
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, _, err := envelope.ObservationCodec{}.Decode(raw)
		var refusal *domain.Rejection
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("not a rejection: %v", err)
		}
		if err == nil && o.Flight == nil {
			t.Fatal("accepted without a fact")
		}
	})
}
