package api

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"aval/api/apitest"
	"aval/domain"
	"aval/domain/envelope"
)

func (h *house) seal(s *envelope.Signer, typ string, payload any) string {
	h.Helper()
	raw, err := envelope.Seal(s, typ, payload)
	if err != nil {
		h.Fatal(err)
	}
	return string(raw)
}

func TestTokensThatAreRefused(t *testing.T) {
	h := open(t, nil)
	h.trade()
	now := time.Now().Unix()
	token := func(aud string, iat, exp int64) string {
		return h.seal(h.acme, envelope.TokenType, envelope.Token{Audience: aud, IssuedAt: iat, ExpiresAt: exp})
	}
	revoked := h.fake.Enrol(domain.PartyHolder, "acme")
	key := revoked.Key
	key.Class, key.Holder, key.Revoked = domain.PartyHolder, "acme", millis(time.Now())
	h.fake.Register(key)
	future := h.fake.Enrol(domain.PartyHolder, "acme")
	key = future.Key
	key.Class, key.Holder, key.Since = domain.PartyHolder, "acme", millis(time.Now().Add(time.Hour))
	h.fake.Register(key)
	stranger, err := envelope.ParseSigner(must(h.globex.Format()))
	if err != nil {
		t.Fatal(err)
	}
	stranger.Key.ID = h.acme.Key.ID // signs with one key, names another
	good := h.token(h.acme)
	const verify, late, form = "does not verify", "expired", "compact JWS"
	for name, c := range map[string]struct{ header, says string }{
		"none":               {"", "is needed"},
		"Basic":              {"Basic " + good, "scheme Bearer"},
		"no token":           {"Bearer", "scheme Bearer"},
		"empty token":        {"Bearer ", "scheme Bearer"},
		"two spaces":         {"Bearer  " + good, form},
		"command":            {"Bearer " + h.command(h.acme, "1", "issue", "{}"), form},
		"other claims":       {"Bearer " + h.seal(h.acme, envelope.TokenType, map[string]any{"sub": "globex"}), form},
		"too long":           {"Bearer " + strings.Repeat("a", maxTokenBytes+1), "too long"},
		"other ledger":       {"Bearer " + token("ledger.example/other", now, now+60), "another ledger"},
		"expired":            {"Bearer " + token(apitest.Origin, now-60, now-1), late},
		"long life":          {"Bearer " + token(apitest.Origin, now, now+301), late},
		"from the future":    {"Bearer " + token(apitest.Origin, now+120, now+180), late},
		"overflowing life":   {"Bearer " + token(apitest.Origin, math.MinInt64, math.MaxInt64/2), late},
		"overflowing life 2": {"Bearer " + token(apitest.Origin, math.MinInt64+now+10000, now+9000), late},
		"unknown key":        {"Bearer " + h.token(must(envelope.NewSigner(envelope.EdDSA, zeroes{}))), verify},
		"device key":         {"Bearer " + h.token(h.fake.Enrol(domain.DeviceHolder, "acme")), verify},
		"source key":         {"Bearer " + h.token(h.fake.Enrol(domain.SourceHolder, "acme")), verify},
		"revoked key":        {"Bearer " + h.token(revoked), verify},
		"key not yet valid":  {"Bearer " + h.token(future), verify},
		"other's signature":  {"Bearer " + h.token(stranger), verify},
		"changed signature":  {"Bearer " + good[:len(good)-4] + "AAAA", ""},
	} {
		r := request{path: "/v1/accounts", header: http.Header{}}
		if c.header != "" {
			r.header.Set("Authorization", c.header)
		}
		a := h.do(r)
		p := decodeProblem(t, a)
		challenge := a.header.Get("WWW-Authenticate")
		if a.status != 401 || p.Code != unauthorized || !strings.Contains(p.Detail, c.says) ||
			!strings.HasPrefix(challenge, `Bearer realm="`+apitest.Origin+`"`) || strings.Contains(challenge, "error") != (name != "none") {
			t.Errorf("%s: got %d %s, challenge %s", name, a.status, a.body, challenge)
		}
	}
	twice := request{path: "/v1/accounts", header: http.Header{"Authorization": {"Bearer " + good, "Bearer " + good}}}
	if a := h.do(twice); a.status != 401 {
		t.Errorf("two headers: got %d", a.status)
	}
	if a := h.do(request{path: "/v1/accounts", header: http.Header{"Authorization": {"bearer " + good}}}); a.status != 200 {
		t.Errorf("a scheme in lower case: got %d", a.status)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestReadsNeedATokenAndTheRestDoesNot(t *testing.T) {
	h := open(t, nil)
	h.trade()
	for name, path := range examplePaths() {
		if strings.HasPrefix(name, "POST") {
			continue
		}
		want := http.StatusOK
		if strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v1/attestation") {
			want = http.StatusUnauthorized
		}
		if a := h.get(path, nil); a.status != want {
			t.Errorf("%s without a token: got %d, want %d", path, a.status, want)
		}
	}
}

func TestFaultsOfKeysReadTheSame(t *testing.T) {
	h := open(t, nil)
	unknown := h.get("/v1/accounts", must(envelope.NewSigner(envelope.EdDSA, zeroes{})))
	device := h.get("/v1/accounts", h.fake.Enrol(domain.DeviceHolder, "acme"))
	if unknown.body != device.body || unknown.header.Get("WWW-Authenticate") != device.header.Get("WWW-Authenticate") {
		t.Errorf("a key that is known reads %s, one that is not %s", device.body, unknown.body)
	}
}

// TestNotYoursAndNotThereReadTheSame compares bodies and headers, request ID and date apart.
func TestNotYoursAndNotThereReadTheSame(t *testing.T) {
	h := open(t, nil)
	h.trade()
	for _, pair := range [][2]string{
		{"/v1/commands/" + id("1"), "/v1/commands/" + id("99")},
		{"/v1/contracts/cash:1:transfer:" + id("2"), "/v1/contracts/cash:1:transfer:none"},
		{"/v1/contracts/cash:1:transfer:" + id("2"), "/v1/contracts/invoice:9:no:such"},
		{"/v1/contracts/cash:1:transfer:" + id("2") + "/events", "/v1/contracts/cash:1:transfer:none/events"},
		{"/v1/accounts/party:acme/postings", "/v1/accounts/party:nobody/postings"},
		{"/v1/receipts/2", "/v1/receipts/999999"},
		{"/v1/receipts/2", "/v1/receipts/1"},
	} {
		if mine := h.get(pair[0], h.acme); mine.status != http.StatusOK {
			t.Errorf("%s for its own party: got %d %s", pair[0], mine.status, mine.body)
		}
		theirs, nothing := h.get(pair[0], h.umbrel), h.get(pair[1], h.umbrel)
		for _, a := range []answered{theirs, nothing} {
			a.header.Del(requestID)
			a.header.Del("Date")
		}
		if theirs.status != 404 || theirs.body != nothing.body || !sameHeader(theirs.header, nothing.header) {
			t.Errorf("not yours: %d %s %v\nnot there: %d %s %v", theirs.status, theirs.body, theirs.header, nothing.status, nothing.body, nothing.header)
		}
	}
	for _, path := range []string{"/v1/contracts", "/v1/accounts"} {
		if a := h.get(path, h.umbrel); strings.Contains(a.body, "acme") || strings.Contains(a.body, "249") {
			t.Errorf("%s: a stranger sees %s", path, a.body)
		}
	}
}

// TestReasonsForNotFoundStayInside gives readers one sentence, whatever the ledger says.
func TestReasonsForNotFoundStayInside(t *testing.T) {
	h := open(t, nil)
	h.trade()
	want := h.get("/v1/contracts/cash:1:transfer:none", h.acme).body
	defer h.fault(domain.Refuse(domain.NotFound, "it exists, for others"))()
	for name, path := range examplePaths() {
		_, operation := h.seen.operation("GET", strings.Split(path, "?")[0])
		if strings.HasPrefix(name, "POST") || strings.HasSuffix(name, "/attestation") || operation["responses"].(map[string]any)["404"] == nil {
			continue
		}
		if strings.HasSuffix(name, "/reads") { // of whom nothing was recorded, there is no record either
			if a := h.get(path, h.acme); a.status != 200 || a.body != `{"reads":[]}`+"\n" {
				t.Errorf("%s: got %d %s", path, a.status, a.body)
			}
			continue
		}
		if a := h.get(path, h.acme); a.status != 404 || a.body != want {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
	}
}

func sameHeader(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if strings.Join(a[name], "\n") != strings.Join(b[name], "\n") {
			return false
		}
	}
	return true
}
