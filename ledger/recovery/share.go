package recovery

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"aval/domain"
	"aval/domain/canon"
)

// Why a share is refused. The error around it names the member.
var (
	// ErrForeign: of another ledger, or of a party that holds none.
	ErrForeign = errors.New("share of another ledger or party")
	// ErrOld: of a set before or after this one.
	ErrOld = errors.New("share of another set")
	// ErrBad: not the share that was dealt.
	ErrBad = errors.New("not the share that was dealt, or damaged")
	// ErrTwice: it is there already.
	ErrTwice = errors.New("share is there already")
	// ErrNoShare: the key opens none of a set's shares.
	ErrNoShare = errors.New("the key opens no share of this set")
)

// MaxSubmission bounds the file of a Submission.
const MaxSubmission = 16 << 10

// Share is one part of the key to a set.
type Share struct {
	Set   Name           `json:"set"`
	Index int            `json:"index"`
	Party domain.PartyID `json:"party"`
	// Value is a scalar of ristretto255.
	Value []byte `json:"value"`
}

// String never shows the value.
func (s Share) String() string { return fmt.Sprintf("share %d of %s, %s", s.Index, s.Party, s.Set) }

// GoString is String.
func (s Share) GoString() string { return s.String() }

type purpose struct {
	For   string `json:"for"`
	Set   Name   `json:"set"`
	Index int    `json:"index"`
}

func sharePurpose(set Name, index int) purpose { return purpose{"aval recovery share", set, index} }
func submissionPurpose(set Name, index int) purpose {
	return purpose{"aval recovery submission", set, index}
}

func commitment(share []byte) []byte {
	sum := sha256.Sum256(append([]byte("aval recovery share 1\x00"), share...))
	return sum[:]
}

// Open finds the share that a member's key opens and checks it. ErrNoShare, ErrBad.
func (s *Set) Open(key Key) (Share, error) {
	for _, sealed := range s.Shares {
		plain, err := key.open(sharePurpose(s.Name, sealed.Index), sealed.Body)
		if err == nil {
			return s.read(sealed, plain)
		}
	}
	return Share{}, fmt.Errorf("%w (%s)", ErrNoShare, s.Name)
}

// read holds a share to its commitment.
func (s *Set) read(sealed SealedShare, plain []byte) (share Share, err error) {
	if subtle.ConstantTimeCompare(commitment(plain), sealed.Commitment) != 1 || canon.Unmarshal(plain, &share) != nil {
		return Share{}, fmt.Errorf("%s: %w", sealed.Party, ErrBad)
	}
	if !share.Set.same(s.Name) || share.Index != sealed.Index || share.Party != sealed.Party {
		return Share{}, fmt.Errorf("%s: %w", sealed.Party, ErrBad)
	}
	return share, nil
}

// Submission is a share on its way, sealed to whoever recovers.
type Submission struct {
	Version int            `json:"v"`
	Set     Name           `json:"set"`
	Index   int            `json:"index"`
	Party   domain.PartyID `json:"party"`
	Body    []byte         `json:"body"`
}

// For seals the share to the key of a request, which its owner has appraised.
func (s Share) For(r Request) ([]byte, error) {
	if r.Origin != s.Set.Origin {
		return nil, fmt.Errorf("the request is of %.80q, the share of %s", r.Origin, s.Set.Origin)
	}
	plain, err := canon.Marshal(s)
	if err != nil {
		return nil, err
	}
	body, err := sealTo(r.Key, submissionPurpose(s.Set, s.Index), plain)
	if err != nil {
		return nil, err
	}
	return canon.Marshal(Submission{Version: 1, Set: s.Set, Index: s.Index, Party: s.Party, Body: body})
}

// ParseSubmission reads what For wrote.
func ParseSubmission(file []byte) (s Submission, err error) {
	if len(file) > MaxSubmission {
		return s, fmt.Errorf("share: %d bytes, limit %d", len(file), MaxSubmission)
	}
	if err := canon.Unmarshal(file, &s); err != nil || s.Version != 1 || s.Party.Check() != nil {
		return s, errors.New("share: not the file of one")
	}
	return s, nil
}
