package enclave

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aval/domain/canon"

	"github.com/google/go-tpm/tpm2"
)

const (
	tpmEvidenceVersion = 1
	// MaxTPMCertificates bounds the certificates and the revocation lists in a quote, each.
	MaxTPMCertificates = 8
	// tpmChainFile may hold, as PEM, what lies between the TPM's certificate and its maker's root:
	// certificates and revocation lists. They travel in every quote.
	tpmChainFile    = "tpm-chain.pem"
	maxTPMChainFile = 1 << 17
)

// ErrTPMEvidence reports evidence that is not the one encoding of a TPM's quote.
var ErrTPMEvidence = errors.New("tpm evidence is malformed")

// tpmEvidence is what a quote of a TPM carries: all that an appraiser needs beside its policy.
type tpmEvidence struct {
	Version uint `json:"v"`
	// Attest is the TPMS_ATTEST that was signed, Signature the TPMT_SIGNATURE, Key the TPMT_PUBLIC
	// of the attestation key: TPM 2.0 Library, part 2.
	Attest    []byte `json:"attest"`
	Signature []byte `json:"signature"`
	Key       []byte `json:"key"`
	// Registers are the quoted PCRs of the SHA-256 bank, rising. The last one is TPMBinaryPCR.
	Registers []tpmRegister `json:"registers"`
	// Binary is the one event in the log of TPMBinaryPCR: the digest of the running program.
	Binary []byte `json:"binary"`
	// Endorsement is the TPM's certificate and what leads to its maker's root, Revoked are
	// revocation lists; all DER.
	Endorsement [][]byte `json:"endorsement"`
	Revoked     [][]byte `json:"revoked"`
}

type tpmRegister struct {
	PCR   uint   `json:"pcr"`
	Value []byte `json:"value"`
}

// parse takes the parts apart, and only as they would be put together again.
func (e tpmEvidence) parse() (attest *tpm2.TPMSAttest, signature *tpm2.TPMTSignature, key *tpm2.TPMTPublic, err error) {
	if attest, err = parseTPM[tpm2.TPMSAttest](e.Attest); err != nil {
		return nil, nil, nil, fmt.Errorf("%w: attested part: %w", ErrTPMEvidence, err)
	}
	if signature, err = parseTPM[tpm2.TPMTSignature](e.Signature); err != nil {
		return nil, nil, nil, fmt.Errorf("%w: signature: %w", ErrTPMEvidence, err)
	}
	if key, err = parseTPM[tpm2.TPMTPublic](e.Key); err != nil {
		return nil, nil, nil, fmt.Errorf("%w: attestation key: %w", ErrTPMEvidence, err)
	}
	return attest, signature, key, nil
}

// parseTPM decodes a structure and refuses bytes after it, which the library would not see.
func parseTPM[T tpm2.Marshallable, P interface {
	*T
	tpm2.Unmarshallable
}](data []byte) (*T, error) {
	value, err := tpm2.Unmarshal[T, P](data)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(tpm2.Marshal(*value), data) {
		return nil, errors.New("bytes that do not belong")
	}
	return value, nil
}

func parseTPMEvidence(data []byte) (tpmEvidence, error) {
	var e tpmEvidence
	if len(data) > MaxEvidence {
		return e, fmt.Errorf("%w: %d bytes, limit %d", ErrTPMEvidence, len(data), MaxEvidence)
	}
	if err := canon.Unmarshal(data, &e); err != nil {
		return e, fmt.Errorf("%w: %w", ErrTPMEvidence, err)
	}
	return e, e.check()
}

func (e tpmEvidence) check() error {
	switch {
	case e.Version != tpmEvidenceVersion:
		return fmt.Errorf("%w: version %d, want %d", ErrTPMEvidence, e.Version, tpmEvidenceVersion)
	case len(e.Endorsement) == 0 || len(e.Endorsement) > MaxTPMCertificates || len(e.Revoked) > MaxTPMCertificates:
		return fmt.Errorf("%w: %d certificates and %d revocation lists, limit %d each and at least one certificate",
			ErrTPMEvidence, len(e.Endorsement), len(e.Revoked), MaxTPMCertificates)
	case len(e.Registers) == 0 || len(e.Registers) > MaxTPMBootPCRs+1 || e.Registers[len(e.Registers)-1].PCR != TPMBinaryPCR:
		return fmt.Errorf("%w: want 1 to %d registers, the last of them %d", ErrTPMEvidence, MaxTPMBootPCRs+1, TPMBinaryPCR)
	case len(e.Binary) != sha256.Size:
		return fmt.Errorf("%w: binary's digest of %d bytes, want %d", ErrTPMEvidence, len(e.Binary), sha256.Size)
	}
	for i, r := range e.Registers {
		if len(r.Value) != sha256.Size || i > 0 && e.Registers[i-1].PCR >= r.PCR {
			return fmt.Errorf("%w: registers out of order, or not of %d bytes", ErrTPMEvidence, sha256.Size)
		}
	}
	return nil
}

// Quote implements Platform. The evidence holds all collateral.
func (p *TPM) Quote(report [64]byte) (Quote, error) {
	e := tpmEvidence{Version: tpmEvidenceVersion, Binary: p.binary[:], Revoked: p.revoked}
	err := p.use(func(u *tpmUse) error {
		certificate, err := u.ekCertificate()
		if err != nil {
			return err
		}
		e.Endorsement = append([][]byte{certificate}, p.chain...)
		key, err := u.attestationKey()
		if err != nil {
			return err
		}
		return u.quoteInto(&e, key, p.config.pcrs(), report)
	})
	if err != nil {
		return Quote{}, err
	}
	evidence, err := canon.Marshal(e)
	return Quote{Platform: TPMName, Evidence: evidence}, err
}

func (u *tpmUse) quoteInto(e *tpmEvidence, key tpmKey, pcrs []uint, report [64]byte) error {
	values, err := u.readPCRs(pcrs)
	if err != nil {
		return err
	}
	for i, pcr := range pcrs {
		e.Registers = append(e.Registers, tpmRegister{pcr, values[i][:]})
	}
	nonce := tpmQualifying(report)
	quoted, err := tpm2.Quote{
		SignHandle:     tpm2.AuthHandle{Handle: key.Handle, Name: key.Name, Auth: tpm2.PasswordAuth(nil)},
		QualifyingData: tpm2.TPM2BData{Buffer: nonce[:]},
		InScheme:       tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
		PCRSelect:      selectPCRs(pcrs),
	}.Execute(u.TPM)
	if err != nil {
		return fmt.Errorf("tpm: quote: %w", err)
	}
	attest, err := quoted.Quoted.Contents()
	if err != nil {
		return fmt.Errorf("tpm: quote: %w", err)
	}
	e.Attest, e.Signature, e.Key = tpm2.Marshal(*attest), tpm2.Marshal(quoted.Signature), tpm2.Marshal(*key.public)
	return nil
}

// tpmQualifying is the report as a TPM takes it: a TPM without SHA-512 has no room for 64 bytes.
func tpmQualifying(report [64]byte) [sha256.Size]byte { return sha256.Sum256(report[:]) }

// readChain reads what tpm-chain.pem of dir adds to quotes; there need be none.
func (p *TPM) readChain(dir string) error {
	rest, err := readAtMost(filepath.Join(dir, tpmChainFile), maxTPMChainFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			p.chain = append(p.chain, block.Bytes)
		case "X509 CRL":
			p.revoked = append(p.revoked, block.Bytes)
		default:
			return fmt.Errorf("%s: a %q, want CERTIFICATE or X509 CRL", tpmChainFile, block.Type)
		}
	}
	if len(p.chain) >= MaxTPMCertificates || len(p.revoked) > MaxTPMCertificates {
		return fmt.Errorf("%s: %d certificates and %d revocation lists, limits %d and %d",
			tpmChainFile, len(p.chain), len(p.revoked), MaxTPMCertificates-1, MaxTPMCertificates)
	}
	return nil
}
