package recovery

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"aval/domain"
	"aval/domain/canon"
)

// shareGroup has the scalars that a key is split in.
var shareGroup = group.Ristretto255

// Issue splits a fresh key among the members that governance names and seals the secrets under
// it. Nothing of the key is kept. The set is tried before it is given out.
func Issue(origin string, epoch uint32, r domain.Recovery, secrets []byte) (*Set, error) {
	if len(r.Members) > MaxMembers || r.Threshold < 1 || r.Threshold > len(r.Members) {
		return nil, fmt.Errorf("recovery: threshold %d of %d members, want 1 to all of them, at most %d", r.Threshold, len(r.Members), MaxMembers)
	}
	s := &Set{Version: 1, Name: Name{Origin: origin, Number: r.Number, Epoch: epoch, Salt: make([]byte, sha256.Size)}, Threshold: r.Threshold}
	rand.Read(s.Name.Salt)
	secret := shareGroup.RandomNonZeroScalar(rand.Reader)
	aead, err := s.Name.lock(secret)
	if err != nil {
		return nil, err
	}
	s.Secrets = aead.Seal(nil, nil, secrets, nil)
	split := secretsharing.New(rand.Reader, uint(r.Threshold-1), secret)
	var shares []Share
	for i, part := range split.Share(uint(len(r.Members))) {
		share, err := s.deal(i+1, r.Members[i], part)
		if err != nil {
			return nil, err
		}
		shares = append(shares, share)
	}
	return s, s.try(shares, secrets)
}

// deal seals a share to its member.
func (s *Set) deal(index int, to domain.RecoveryMember, part secretsharing.Share) (Share, error) {
	value, err := part.Value.MarshalBinary()
	if err != nil {
		return Share{}, errors.New("recovery: a share cannot be written")
	}
	share := Share{Set: s.Name, Index: index, Party: to.Party, Value: value}
	plain, err := canon.Marshal(share)
	if err != nil {
		return share, err
	}
	body, err := sealTo(to.Key, sharePurpose(s.Name, index), plain)
	if err != nil {
		return share, fmt.Errorf("recovery: share of %s: %w", to.Party, err)
	}
	s.Shares = append(s.Shares, SealedShare{Index: index, Party: to.Party, Commitment: commitment(plain), Body: body})
	return share, nil
}

// try combines the first and the last shares that are enough.
func (s *Set) try(shares []Share, secrets []byte) error {
	for _, enough := range [][]Share{shares[:s.Threshold], shares[len(shares)-s.Threshold:]} {
		opened, err := s.combine(enough)
		if err != nil {
			return err
		}
		if !bytes.Equal(opened, secrets) {
			return errors.New("recovery: the shares do not give what was split")
		}
	}
	return nil
}

// combine opens the secrets with as many shares as it takes.
func (s *Set) combine(shares []Share) ([]byte, error) {
	var parts []secretsharing.Share
	for _, share := range shares {
		value := shareGroup.NewScalar()
		if err := value.UnmarshalBinary(share.Value); err != nil {
			return nil, fmt.Errorf("recovery: the share of %s is no number of the group", share.Party)
		}
		parts = append(parts, secretsharing.Share{ID: shareGroup.NewScalar().SetUint64(uint64(share.Index)), Value: value})
	}
	secret, err := secretsharing.Recover(uint(s.Threshold-1), parts)
	if err != nil {
		return nil, fmt.Errorf("recovery: %d shares, %d are needed", len(shares), s.Threshold)
	}
	aead, err := s.Name.lock(secret)
	if err != nil {
		return nil, err
	}
	opened, err := aead.Open(nil, nil, s.Secrets, nil)
	if err != nil {
		return nil, errors.New("recovery: the shares together do not open the set")
	}
	return opened, nil
}

// lock derives the key over the secrets of one set: a set's name is part of it.
func (n Name) lock(secret group.Scalar) (cipher.AEAD, error) {
	raw, err := secret.MarshalBinary()
	if err != nil {
		return nil, errors.New("recovery: the key cannot be written")
	}
	info, err := canon.Marshal(n)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, raw, n.Salt, "aval recovery "+string(info), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
