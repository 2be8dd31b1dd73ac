package recovery

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/domain/canon"
)

const (
	// MaxMembers bounds the members of a set, MaxSet its file in bytes.
	MaxMembers = 64
	MaxSet     = 1 << 20
)

// Name says which set it is. Shares of one set are of no use with another.
type Name struct {
	// Origin is the ledger's.
	Origin string `json:"origin"`
	// Number is that of governance's record recovery/current, Epoch the newest key epoch inside.
	Number uint32 `json:"number"`
	Epoch  uint32 `json:"epoch"`
	// Salt is 32 random bytes: a set that is issued twice has two names.
	Salt []byte `json:"salt"`
}

func (n Name) String() string {
	return fmt.Sprintf("number %d, epoch %d of %s", n.Number, n.Epoch, n.Origin)
}

func (n Name) same(other Name) bool {
	return n.Origin == other.Origin && n.Number == other.Number && n.Epoch == other.Epoch && bytes.Equal(n.Salt, other.Salt)
}

// Set is what the node publishes for a recovery: the secrets, and each member's share of the key
// to them, all sealed. It reveals who the members are, and nothing else.
type Set struct {
	Version int  `json:"v"`
	Name    Name `json:"name"`
	// Threshold is how many shares open Secrets.
	Threshold int           `json:"threshold"`
	Secrets   []byte        `json:"secrets"`
	Shares    []SealedShare `json:"shares"`
}

// SealedShare is one member's, sealed to its recovery key.
type SealedShare struct {
	// Index counts from 1.
	Index int            `json:"index"`
	Party domain.PartyID `json:"party"`
	// Commitment is the SHA-256 of the share, which nobody can guess: a share is 252 random bits.
	Commitment []byte `json:"commitment"`
	Body       []byte `json:"body"`
}

// signedSet is the file.
type signedSet struct {
	Set  []byte `json:"set"`
	Note []byte `json:"note"`
}

// setHeading begins what the log key signs; no checkpoint begins like it.
const setHeading = "aval recovery set 1\n"

func setText(set []byte) string {
	sum := sha256.Sum256(set)
	return setHeading + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
}

// Sign gives the file of a set, under the key of the log.
func (s *Set) Sign(signer note.Signer) ([]byte, error) {
	body, err := canon.Marshal(s)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: setText(body)}, signer)
	if err != nil {
		return nil, errors.New("sign recovery set: the log key does not sign")
	}
	return canon.Marshal(signedSet{body, signed})
}

// ParseSet reads the file of a set that the log's key signed.
func ParseSet(file []byte, log note.Verifier) (*Set, error) {
	if len(file) > MaxSet {
		return nil, fmt.Errorf("recovery set: %d bytes, limit %d", len(file), MaxSet)
	}
	var signed signedSet
	if err := canon.Unmarshal(file, &signed); err != nil {
		return nil, fmt.Errorf("recovery set: %w", err)
	}
	opened, err := note.Open(signed.Note, note.VerifierList(log))
	if err != nil || opened.Text != setText(signed.Set) {
		return nil, fmt.Errorf("recovery set: not signed by the log key of %s, or changed", log.Name())
	}
	var s Set
	if err := canon.Unmarshal(signed.Set, &s); err != nil {
		return nil, fmt.Errorf("recovery set: %w", err)
	}
	if s.Name.Origin != log.Name() {
		return nil, fmt.Errorf("recovery set: of %.80q, not of %s", s.Name.Origin, log.Name())
	}
	return &s, s.check()
}

func (s *Set) check() error {
	if s.Version != 1 || len(s.Name.Salt) != sha256.Size || s.Threshold < 1 || s.Threshold > len(s.Shares) || len(s.Shares) > MaxMembers {
		return fmt.Errorf("recovery set: want version 1, a salt of 32 bytes, and a threshold from 1 to the number of members, at most %d", MaxMembers)
	}
	for i, share := range s.Shares {
		if share.Index != i+1 || len(share.Commitment) != sha256.Size || share.Party.Check() != nil {
			return fmt.Errorf("recovery set: share %d is malformed", i+1)
		}
	}
	return nil
}

// Members lists who holds a share.
func (s *Set) Members() []domain.PartyID {
	var all []domain.PartyID
	for _, share := range s.Shares {
		all = append(all, share.Party)
	}
	return all
}
