package enclave

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"aval/domain/canon"

	"github.com/google/go-tpm/tpm2"
)

// policies are those that let each release in.
func (p *TPM) policies(releases ...Release) (policies [][]byte, err error) {
	err = p.use(func(u *tpmUse) error {
		boot, err := u.readPCRs(p.config.Boot)
		if err != nil {
			return err
		}
		for _, r := range releases {
			values, err := r.registers(p.config.Boot, boot)
			if err != nil {
				return err
			}
			policy, err := sealPolicy(p.config.pcrs(), values)
			if err != nil {
				return err
			}
			policies = append(policies, policy)
		}
		return nil
	})
	return policies, err
}

// sealKey lets the TPM seal key once under each policy.
func (p *TPM) sealKey(key, body []byte, policies [][]byte) ([]byte, error) {
	s := tpmSealed{Version: tpmSealedVersion, Body: body}
	err := p.use(func(u *tpmUse) error {
		parent, err := u.storageKey()
		if err != nil {
			return err
		}
		for _, policy := range policies {
			slot, err := u.sealUnder(parent, key, policy)
			if err != nil {
				return err
			}
			s.Slots = append(s.Slots, slot)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return canon.Marshal(s)
}

// registers are the values that the release will find: those of this boot where it names no other.
func (r Release) registers(pcrs []uint, boot [][sha256.Size]byte) ([][sha256.Size]byte, error) {
	values := slices.Clone(boot)
	for pcr, value := range r.Boot {
		i := slices.Index(pcrs, pcr)
		if i < 0 {
			return nil, fmt.Errorf("tpm: register %d is not one that secrets here are sealed to", pcr)
		}
		values[i] = value
	}
	return append(values, extended(r.Binary)), nil
}

// sealPolicy is the digest of a policy that the registers have these values.
func sealPolicy(pcrs []uint, values [][sha256.Size]byte) ([]byte, error) {
	policy, err := tpm2.NewPolicyCalculator(tpm2.TPMAlgSHA256)
	if err != nil {
		return nil, err
	}
	command := tpm2.PolicyPCR{PcrDigest: tpm2.TPM2BDigest{Buffer: digestOf(values)}, Pcrs: selectPCRs(pcrs)}
	if err := command.Update(policy); err != nil {
		return nil, err
	}
	return policy.Hash().Digest, nil
}

// digestOf is what a TPM quotes and checks of registers: the hash over their values in order.
func digestOf(values [][sha256.Size]byte) []byte {
	h := sha256.New()
	for _, v := range values {
		h.Write(v[:])
	}
	return h.Sum(nil)
}

func (u *tpmUse) sealUnder(parent tpmKey, key, policy []byte) (tpmSlot, error) {
	made, err := tpm2.Create{
		ParentHandle: tpm2.AuthHandle{Handle: parent.Handle, Name: parent.Name, Auth: encrypted(parent)},
		InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
			Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: key}),
		}},
		InPublic: tpm2.New2B(tpm2.TPMTPublic{
			Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
			// No userWithAuth: the policy is the only way in.
			ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, AdminWithPolicy: true, NoDA: true},
			AuthPolicy:       tpm2.TPM2BDigest{Buffer: policy},
		}),
	}.Execute(u.TPM)
	if err != nil {
		return tpmSlot{}, fmt.Errorf("tpm: seal: %w", err)
	}
	public, err := made.OutPublic.Contents()
	if err != nil {
		return tpmSlot{}, fmt.Errorf("tpm: seal: %w", err)
	}
	return tpmSlot{Private: made.OutPrivate.Buffer, Public: tpm2.Marshal(*public)}, nil
}

// encrypted is a session whose first parameter on the way in nobody can read on the wires
// between processor and TPM. It authorises with the empty password of the storage key.
func encrypted(salt tpmKey) tpm2.Session {
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Salted(salt.Handle, *salt.public), tpm2.AESEncryption(128, tpm2.EncryptIn))
}

// unsealKey tries each binary's slot: which of them opens is for the TPM alone to say.
func (p *TPM) unsealKey(s tpmSealed) (key []byte, err error) {
	err = p.use(func(u *tpmUse) error {
		parent, err := u.storageKey()
		if err != nil {
			return err
		}
		refused := ErrTPMSealed
		for _, slot := range s.Slots {
			if key, err = u.unsealUnder(parent, slot, p.config.pcrs()); err == nil {
				return nil
			}
			refused = fmt.Errorf("%w: %w", ErrTPMSealed, err)
		}
		return refused
	})
	return key, err
}

func (u *tpmUse) unsealUnder(parent tpmKey, slot tpmSlot, pcrs []uint) ([]byte, error) {
	public, err := parseTPM[tpm2.TPMTPublic](slot.Public)
	if err != nil {
		return nil, err
	}
	loaded, err := tpm2.Load{
		ParentHandle: tpm2.AuthHandle{Handle: parent.Handle, Name: parent.Name, Auth: tpm2.PasswordAuth(nil)},
		InPrivate:    tpm2.TPM2BPrivate{Buffer: slot.Private},
		InPublic:     tpm2.New2B(*public),
	}.Execute(u.TPM)
	if err != nil {
		return nil, fmt.Errorf("tpm: load sealed key: %w", err)
	}
	defer u.flushOne(loaded.ObjectHandle) // a TPM has room for three
	session, closeSession, err := tpm2.PolicySession(u.TPM, tpm2.TPMAlgSHA256, 16,
		tpm2.Salted(parent.Handle, *parent.public), tpm2.AESEncryption(128, tpm2.EncryptOut))
	if err != nil {
		return nil, fmt.Errorf("tpm: begin policy: %w", err)
	}
	defer func() { _ = closeSession() }() // the device is closed after it
	if _, err := (tpm2.PolicyPCR{PolicySession: session.Handle(), Pcrs: selectPCRs(pcrs)}).Execute(u.TPM); err != nil {
		return nil, fmt.Errorf("tpm: policy: %w", err)
	}
	opened, err := tpm2.Unseal{
		ItemHandle: tpm2.AuthHandle{Handle: loaded.ObjectHandle, Name: loaded.Name, Auth: session},
	}.Execute(u.TPM)
	if err != nil {
		return nil, fmt.Errorf("tpm: unseal: %w", err)
	}
	return opened.OutData.Buffer, nil
}
