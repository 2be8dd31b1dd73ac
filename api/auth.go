package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
)

// session is who is asking, and until when.
type session struct {
	party   domain.PartyID
	keyID   string
	expires time.Time
}

// tokenFaults are fixed sentences: the details of the envelope package can quote the token.
var tokenFaults = map[domain.Code]string{
	domain.Malformed:   "the token is not a compact JWS of type JWT with aud, iat and exp alone",
	domain.TooLarge:    "the token is too long",
	domain.WrongLedger: "the token is for another ledger",
	domain.Expired:     "the token has expired, lives longer than five minutes, or begins in the future",
}

// authenticate judges the Authorization header. All faults of key and signature read the
// same, so that nobody learns which keys a private ledger knows.
func (s *Server) authenticate(r *http.Request) (session, error) {
	token, err := bearer(r.Header.Values(echo.HeaderAuthorization))
	if err != nil {
		return session{}, s.unknown(r, s.challenge(err.Error(), "invalid_request"))
	}
	if token == nil {
		return session{}, s.unknown(r, s.challenge("", ""))
	}
	now := s.now()
	shell, err := envelope.OpenToken(token, s.ledger.Origin(), millis(now))
	var refused *domain.Rejection
	if errors.As(err, &refused) {
		return session{}, s.unknown(r, s.challenge(tokenFaults[refused.Code], "invalid_token"))
	}
	expires, inTime := expiry(token, now)
	if !inTime {
		return session{}, s.unknown(r, s.challenge(tokenFaults[domain.Expired], "invalid_token"))
	}
	return s.identify(r, shell, expires, err)
}

// identify finds the party whose key signed the token, within what it and the address may ask.
func (s *Server) identify(r *http.Request, shell domain.Signed, expires time.Time, failed error) (session, error) {
	fault := s.challenge("the token does not verify under an active key of a party", "invalid_token")
	key, active := s.activeKey(shell.KeyID)
	if failed != nil || !active {
		return session{}, s.unknown(r, fault)
	}
	if err := s.mayForge(r, key.ID); err != nil {
		return session{}, err
	}
	if envelope.Verify(key, shell) != nil {
		return session{}, s.forged(r, key.ID, fault)
	}
	_, err := s.rates.take(readsOf(key.Holder), s.ledger.Limits().ReadsPerMinute, s.now())
	return session{party: domain.PartyID(key.Holder), keyID: key.ID, expires: expires}, err
}

// activeKey finds a key with which a party may read now. One that was erased has none; one that is frozen reads what is its own.
func (s *Server) activeKey(id string) (domain.Key, bool) {
	registry := s.ledger.Registry()
	key, found := registry.Key(id)
	holder, _ := registry.Party(domain.PartyID(key.Holder))
	return key, found && key.Class == domain.PartyHolder && key.ActiveAt(millis(s.now())) && holder.Erased == 0
}

// expiry is when an opened token ends. It is checked again here against the clock alone:
// no arithmetic on the token's own instants can stretch it.
func expiry(token []byte, now time.Time) (time.Time, bool) {
	var t envelope.Token
	_, payload, err := envelope.Open(envelope.TokenType, token)
	if err != nil || canon.DecodeJSON(payload, &t) != nil {
		return time.Time{}, false
	}
	latest := now.Add(time.Duration(envelope.MaxTokenLifetime)*time.Millisecond + tokenSkew)
	return time.Unix(t.ExpiresAt, 0), t.ExpiresAt <= latest.Unix()
}

// bearer finds the token of an RFC 6750 header. It is nil when there is no header.
func bearer(headers []string) ([]byte, error) {
	if len(headers) == 0 {
		return nil, nil
	}
	scheme, token, found := strings.Cut(headers[0], " ")
	switch {
	case len(headers) > 1:
		return nil, errors.New("the Authorization header is given twice")
	case !found || !strings.EqualFold(scheme, "Bearer"):
		return nil, errors.New("the Authorization header is not of scheme Bearer")
	case len(token) > maxTokenBytes:
		return nil, errors.New(tokenFaults[domain.TooLarge])
	}
	return []byte(token), nil
}

// challenge is a 401 with the header that RFC 6750 section 3 wants.
func (s *Server) challenge(detail, fault string) error {
	p := newProblem(unauthorized, detail)
	p.challenge = "Bearer realm=" + strconv.Quote(s.ledger.Origin())
	if fault != "" {
		p.challenge += ", error=" + strconv.Quote(fault) + ", error_description=" + strconv.Quote(p.Detail)
	}
	return p
}

func millis(t time.Time) domain.Millis { return domain.Millis(t.UnixMilli()) }
