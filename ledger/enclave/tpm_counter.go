package enclave

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// ErrNoCounter reports that the TPM has no such counter: another TPM, or one that was cleared.
var ErrNoCounter = errors.New("tpm: no such counter")

const (
	// tpmCounters is the first of the indexes, of which the owner may have any, among which a counter takes one at random.
	tpmCounters     = 0x01a00000
	tpmCounterRange = 1 << 16
	// tpmCounterTries bounds how often an index may be taken already.
	tpmCounterTries  = 8
	tpmCounterLength = 8
)

// tpmCounterAttributes are those of a counter: whoever uses the TPM reads it and counts it up, and nobody counts it down. Who deletes it and
// makes another finds that begin above all that there ever were (TPM 2.0 part 1, 37.2.6).
var tpmCounterAttributes = tpm2.TPMANV{NT: tpm2.TPMNTCounter, AuthRead: true, AuthWrite: true, OwnerRead: true, OwnerWrite: true, NoDA: true}

// NewCounter makes a counter in the TPM's storage and gives its index.
func (p *TPM) NewCounter() (index uint32, err error) {
	err = p.use(func(u *tpmUse) error {
		for range tpmCounterTries {
			var chance [2]byte
			rand.Read(chance[:])
			index = tpmCounters + uint32(binary.BigEndian.Uint16(chance[:]))%tpmCounterRange
			_, err := tpm2.NVDefineSpace{
				AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)},
				PublicInfo: tpm2.New2B(tpm2.TPMSNVPublic{
					NVIndex: tpm2.TPMHandle(index), NameAlg: tpm2.TPMAlgSHA256, Attributes: tpmCounterAttributes, DataSize: tpmCounterLength,
				}),
			}.Execute(u.TPM)
			if errors.Is(err, tpm2.TPMRCNVDefined) {
				continue
			}
			if err != nil {
				return fmt.Errorf("tpm: make a counter: %w", err)
			}
			return u.count(index) // it has no value before
		}
		return errors.New("tpm: make a counter: every index that was tried is taken")
	})
	return index, err
}

// Counter gives a counter's value. ErrNoCounter.
func (p *TPM) Counter(index uint32) (value uint64, err error) {
	err = p.use(func(u *tpmUse) error {
		counter, err := u.counter(index)
		if err != nil {
			return err
		}
		r, err := tpm2.NVRead{AuthHandle: withoutPassword(counter), NVIndex: counter, Size: tpmCounterLength}.Execute(u.TPM)
		if err == nil && len(r.Data.Buffer) != tpmCounterLength {
			err = fmt.Errorf("%d bytes", len(r.Data.Buffer))
		}
		if err != nil {
			return fmt.Errorf("tpm: read the counter: %w", err)
		}
		value = binary.BigEndian.Uint64(r.Data.Buffer)
		return nil
	})
	return value, err
}

// Count adds one to a counter. When it returns, the TPM has kept it. ErrNoCounter.
func (p *TPM) Count(index uint32) error {
	return p.use(func(u *tpmUse) error { return u.count(index) })
}

func (u *tpmUse) count(index uint32) error {
	counter, err := u.counter(index)
	if err != nil {
		return err
	}
	if _, err := (tpm2.NVIncrement{AuthHandle: withoutPassword(counter), NVIndex: counter}).Execute(u.TPM); err != nil {
		return fmt.Errorf("tpm: count: %w", err)
	}
	return nil
}

// counter finds a counter. An index of another kind is none: its value could be set.
func (u *tpmUse) counter(index uint32) (tpm2.NamedHandle, error) {
	r, err := tpm2.NVReadPublic{NVIndex: tpm2.TPMHandle(index)}.Execute(u.TPM)
	if errors.Is(err, tpm2.TPMRCHandle) {
		return tpm2.NamedHandle{}, ErrNoCounter
	}
	if err != nil {
		return tpm2.NamedHandle{}, fmt.Errorf("tpm: look at the counter: %w", err)
	}
	about, err := r.NVPublic.Contents()
	if err != nil {
		return tpm2.NamedHandle{}, fmt.Errorf("tpm: look at the counter: %w", err)
	}
	if kind := about.Attributes; kind.NT != tpm2.TPMNTCounter || about.DataSize != tpmCounterLength {
		return tpm2.NamedHandle{}, fmt.Errorf("%w: index %#x is of another kind", ErrNoCounter, index)
	}
	return tpm2.NamedHandle{Handle: tpm2.TPMHandle(index), Name: r.NVName}, nil
}

func withoutPassword(counter tpm2.NamedHandle) tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: counter.Handle, Name: counter.Name, Auth: tpm2.PasswordAuth(nil)}
}
