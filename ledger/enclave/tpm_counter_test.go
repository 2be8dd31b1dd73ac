package enclave

import (
	"errors"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"aval/ledger/enclave/tpmtest"
)

func valueOf(t *testing.T, p *TPM, index uint32) uint64 {
	t.Helper()
	value, err := p.Counter(index)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// A counter goes up by one, keeps its value when the machine is off, and one that is made anew goes on above.
func TestTPMCounter(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1")
	index, err := p.NewCounter()
	if err != nil {
		t.Fatal(err)
	}
	first := valueOf(t, p, index)
	for i := range uint64(3) {
		if err := p.Count(index); err != nil {
			t.Fatal(err)
		}
		if got := valueOf(t, p, index); got != first+i+1 {
			t.Fatalf("counted to %d, want %d", got, first+i+1)
		}
	}
	e.Reboot(t)
	p = startTPM(t, e, "release 2")
	if got := valueOf(t, p, index); got != first+3 {
		t.Errorf("after a reboot %d, want %d", got, first+3)
	}
	replace(t, p, index, tpmCounterAttributes)
	if err := p.Count(index); err != nil {
		t.Fatal(err)
	}
	if got := valueOf(t, p, index); got <= first+3 {
		t.Errorf("one that was made anew begins at %d, below %d", got, first+3)
	}
}

// What can be set to any value does not count as a counter, and neither does none.
func TestTPMCounterOfAnotherKind(t *testing.T) {
	p := startTPM(t, tpmtest.Start(t), "release 1")
	index, err := p.NewCounter()
	if err != nil {
		t.Fatal(err)
	}
	replace(t, p, index, tpm2.TPMANV{NT: tpm2.TPMNTOrdinary, AuthRead: true, AuthWrite: true, OwnerRead: true, OwnerWrite: true, NoDA: true})
	onTPM(t, p, func(u *tpmUse) error {
		r, err := tpm2.NVReadPublic{NVIndex: tpm2.TPMHandle(index)}.Execute(u.TPM)
		if err != nil {
			return err
		}
		named := tpm2.NamedHandle{Handle: tpm2.TPMHandle(index), Name: r.NVName}
		_, err = tpm2.NVWrite{AuthHandle: withoutPassword(named), NVIndex: named, Data: tpm2.TPM2BMaxNVBuffer{Buffer: make([]byte, tpmCounterLength)}}.Execute(u.TPM)
		return err
	})
	if value, err := p.Counter(index); !errors.Is(err, ErrNoCounter) {
		t.Errorf("read %d, %v", value, err)
	}
	if err := p.Count(index); !errors.Is(err, ErrNoCounter) {
		t.Errorf("counted: %v", err)
	}
	if _, err := p.Counter(index ^ 1); !errors.Is(err, ErrNoCounter) {
		t.Errorf("none: %v", err)
	}
}

// replace deletes an index, as the owner may, and makes another of any kind there.
func replace(t *testing.T, p *TPM, index uint32, kind tpm2.TPMANV) {
	t.Helper()
	onTPM(t, p, func(u *tpmUse) error {
		owner := tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)}
		counter, err := u.counter(index)
		if err != nil {
			return err
		}
		if _, err := (tpm2.NVUndefineSpace{AuthHandle: owner, NVIndex: counter}).Execute(u.TPM); err != nil {
			return err
		}
		_, err = tpm2.NVDefineSpace{AuthHandle: owner, PublicInfo: tpm2.New2B(tpm2.TPMSNVPublic{
			NVIndex: tpm2.TPMHandle(index), NameAlg: tpm2.TPMAlgSHA256, Attributes: kind, DataSize: tpmCounterLength,
		})}.Execute(u.TPM)
		return err
	})
}
