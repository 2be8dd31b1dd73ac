package envelope

import (
	"aval/domain"
	"aval/domain/canon"
)

// MaxTokenLifetime is the longest a read token may live, in milliseconds (5 min).
const MaxTokenLifetime domain.Millis = 5 * 60 * 1000

// Token is the payload of a read token: a JWT (RFC 7519) that a party's own key signed.
type Token struct {
	// Audience is the ledger's origin. ExpiresAt and IssuedAt are Unix seconds, as RFC 7519 has them.
	Audience  string `json:"aud"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
}

// SealToken signs a read token for a ledger, valid from now for the longest time allowed.
func SealToken(signer *Signer, ledger string, now domain.Millis) ([]byte, error) {
	return Seal(signer, TokenType, Token{
		Audience: ledger, IssuedAt: int64(now / 1000), ExpiresAt: int64((now + MaxTokenLifetime) / 1000),
	})
}

// OpenToken reads a token and refuses one for another ledger, expired, living too long, or
// issued more than a minute ahead of now. The signature is for Verify.
func OpenToken(raw []byte, ledger string, now domain.Millis) (domain.Signed, error) {
	var t Token
	shell, payload, err := Open(TokenType, raw)
	if err != nil {
		return shell, err
	}
	if err := canon.DecodeJSON(payload, &t); err != nil {
		return shell, domain.Refuse(domain.Malformed, "token: %.120v", err)
	}
	const skew = 60
	seconds := int64(now / 1000)
	switch {
	case t.Audience != ledger:
		return shell, domain.Refuse(domain.WrongLedger, "token is for another ledger")
	case t.ExpiresAt <= seconds:
		return shell, domain.Refuse(domain.Expired, "token has expired")
	case t.IssuedAt < 0, t.IssuedAt > seconds+skew, t.ExpiresAt-t.IssuedAt > int64(MaxTokenLifetime/1000), t.IssuedAt > t.ExpiresAt:
		return shell, domain.Refuse(domain.Expired, "token lives longer than %d s or begins in the future", MaxTokenLifetime/1000)
	}
	return shell, nil
}
