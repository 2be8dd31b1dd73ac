package domain

import "fmt"

// Code says why a command was refused. The set is closed: clients may switch on it.
type Code string

// The refusal codes. HTTP statuses are given by one table in the api package.
const (
	Malformed         Code = "malformed"          // bytes, JSON, or a field break the form
	TooLarge          Code = "too-large"          // a size limit is exceeded
	BadSignature      Code = "bad-signature"      // the mathematics of the signature fails
	UnknownKey        Code = "unknown-key"        // the signing key is not registered, or revoked
	WrongLedger       Code = "wrong-ledger"       // signed for another ledger
	Expired           Code = "expired"            // ordered after notAfter, or notAfter too far ahead
	UnknownKind       Code = "unknown-kind"       // no such contract kind
	UnknownCommand    Code = "unknown-command"    // the kind has no such command
	IDConflict        Code = "id-conflict"        // same command ID, other bytes
	Equivocation      Code = "equivocation"       // same device key, epoch and sequence, other content
	NotPermitted      Code = "not-permitted"      // the sender may not do this
	NotFound          Code = "not-found"          // no such record, or not yours
	AlreadyExists     Code = "already-exists"     // the record exists
	WrongState        Code = "wrong-state"        // not in this state of the life cycle
	InvalidTerms      Code = "invalid-terms"      // terms contradict themselves or a limit
	InvalidAmount     Code = "invalid-amount"     // zero, negative, too large, or wrong number of decimals
	CurrencyMismatch  Code = "currency-mismatch"  // two currencies where one is needed
	InsufficientFunds Code = "insufficient-funds" // an account would go below its floor
	CapacityExceeded  Code = "capacity-exceeded"  // a cap of the product or programme is reached
	TooEarly          Code = "too-early"          // before the window
	TooLate           Code = "too-late"           // after the window
	NoWatch           Code = "no-watch"           // an observation that nobody waits for
	NotEvidence       Code = "not-evidence"       // an observation that does not fit the contract
	PrivateMismatch   Code = "private-mismatch"   // the disclosures are not those that the signed text names
	WeakSalt          Code = "weak-salt"          // the salt of a disclosure is too short to hide its value
	UnknownSubject    Code = "unknown-subject"    // subject or reader of a private value is not registered
	Erased            Code = "erased"             // the party was erased
	Frozen            Code = "frozen"             // the party is frozen, and so are its devices and sources
	LimitExceeded     Code = "limit-exceeded"     // a named limit: of a count, or of an account
)

// Rejection is a deterministic refusal: a normal result that is logged and gets a
// receipt. Any other error that a contract returns is a bug and stops the engine.
type Rejection struct {
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
}

// Error gives code and sentence.
func (r *Rejection) Error() string { return string(r.Code) + ": " + r.Detail }

// Refuse makes a Rejection. The detail must not hold secrets: it reaches the sender.
func Refuse(code Code, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Detail: fmt.Sprintf(format, args...)}
}
