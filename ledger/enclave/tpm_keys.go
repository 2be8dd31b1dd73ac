package enclave

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-tpm/tpm2"
)

const (
	// Where the TCG's EK credential profile files the certificate of the RSA 2048 endorsement key.
	ekCertificateIndex = 0x01c00002
	maxEKCertificate   = 4096
	// nvChunk is what every TPM gives of its storage at a time.
	nvChunk = 512
)

// akTemplate is the attestation key: it signs only what the TPM itself states (restricted), was
// made inside (sensitiveDataOrigin) and cannot leave (fixedTPM, fixedParent). As a primary key
// it comes out the same at each call, for as long as the TPM keeps its endorsement seed.
func akTemplate() tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256, ObjectAttributes: akAttributes,
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			CurveID: tpm2.TPMECCNistP256,
			Scheme: tpm2.TPMTECCScheme{
				Scheme:  tpm2.TPMAlgECDSA,
				Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
			},
		}),
	}
}

var akAttributes = tpm2.TPMAObject{
	FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true,
	Restricted: true, SignEncrypt: true,
}

// tpmKey is a primary key that was made again for one use.
type tpmKey struct {
	tpm2.NamedHandle
	public *tpm2.TPMTPublic
}

// primary makes a primary key in a hierarchy with an empty password.
func (u *tpmUse) primary(hierarchy tpm2.TPMHandle, template tpm2.TPMTPublic) (tpmKey, error) {
	made, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.AuthHandle{Handle: hierarchy, Auth: tpm2.PasswordAuth(nil)},
		InPublic:      tpm2.New2B(template),
	}.Execute(u.TPM)
	if err != nil {
		return tpmKey{}, fmt.Errorf("tpm: make primary key: %w", err)
	}
	u.handles = append(u.handles, made.ObjectHandle)
	public, err := made.OutPublic.Contents()
	return tpmKey{tpm2.NamedHandle{Handle: made.ObjectHandle, Name: made.Name}, public}, err
}

// attestationKey lies in the endorsement hierarchy, so that the counters and the firmware's
// version in its quotes are not obfuscated.
func (u *tpmUse) attestationKey() (tpmKey, error) {
	return u.primary(tpm2.TPMRHEndorsement, akTemplate())
}

func (u *tpmUse) storageKey() (tpmKey, error) {
	return u.primary(tpm2.TPMRHOwner, tpm2.ECCSRKTemplate)
}

// endorsementKey is the key that the certificate is about.
func (u *tpmUse) endorsementKey(certificate *x509.Certificate) (tpmKey, error) {
	key, err := u.primary(tpm2.TPMRHEndorsement, tpm2.RSAEKTemplate)
	if err != nil {
		return key, err
	}
	public, err := tpm2.Pub(*key.public)
	if err != nil {
		return key, err
	}
	if of, ok := certificate.PublicKey.(*rsa.PublicKey); !ok || !of.Equal(public) {
		return key, errors.New("tpm: the endorsement certificate is of another key")
	}
	return key, nil
}

// ekCertificate reads the certificate that the maker of the TPM left in it, as DER.
func (u *tpmUse) ekCertificate() ([]byte, error) {
	index := tpm2.TPMHandle(ekCertificateIndex)
	public, err := tpm2.NVReadPublic{NVIndex: index}.Execute(u.TPM)
	if err != nil {
		return nil, fmt.Errorf("tpm: no certificate of an RSA 2048 endorsement key: %w", err)
	}
	about, err := public.NVPublic.Contents()
	if err != nil {
		return nil, err
	}
	if about.DataSize > maxEKCertificate {
		return nil, fmt.Errorf("tpm: endorsement certificate of %d bytes, limit %d", about.DataSize, maxEKCertificate)
	}
	var content bytes.Buffer
	for content.Len() < int(about.DataSize) {
		r, err := tpm2.NVRead{
			AuthHandle: tpm2.AuthHandle{Handle: index, Name: public.NVName, Auth: tpm2.PasswordAuth(nil)},
			NVIndex:    tpm2.NamedHandle{Handle: index, Name: public.NVName},
			Size:       min(nvChunk, about.DataSize-uint16(content.Len())), Offset: uint16(content.Len()),
		}.Execute(u.TPM)
		if err == nil && len(r.Data.Buffer) == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("tpm: read endorsement certificate: %w", err)
		}
		content.Write(r.Data.Buffer)
	}
	var der asn1.RawValue // some makers fill the rest of the index up
	if _, err := asn1.Unmarshal(content.Bytes(), &der); err != nil {
		return nil, fmt.Errorf("tpm: endorsement certificate: %w", err)
	}
	return der.FullBytes, nil
}
