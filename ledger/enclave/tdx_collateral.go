package enclave

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"

	"aval/domain/canon"

	"github.com/google/go-tdx-guest/pcs"
)

// tdxCollateral is Intel's word on a machine. It answers the library as Intel's service would,
// from what the quote carried, so that nothing is fetched.
type tdxCollateral struct {
	tcb, qe           pcsStatement
	pckCRL, rootCRL   *x509.RevocationList
	pckIssuers        []*x509.Certificate
	tcbBody, qeBody   []byte
	tcbChain, qeChain []*x509.Certificate
}

// pcsStatement is what both kinds of statements have.
type pcsStatement struct {
	IssueDate               time.Time `json:"issueDate"`
	NextUpdate              time.Time `json:"nextUpdate"`
	TcbEvaluationDataNumber int       `json:"tcbEvaluationDataNumber"`
}

// readCollateral reads and verifies all of it, and judges its dates. ErrCollateral, ErrExpired,
// ErrChain, ErrRevoked.
func (m tdxMachine) readCollateral(q Quote, dates *validity) (c tdxCollateral, err error) {
	c.pckIssuers = []*x509.Certificate{m.ca, m.root}
	if c.rootCRL, err = q.list(tdxRootCRL); err != nil {
		return c, err
	}
	if c.pckCRL, err = q.list(tdxPCKCRL); err != nil {
		return c, err
	}
	if err := checkListed(c.rootCRL, m.root, m.ca); err != nil {
		return c, err
	}
	if err := checkListed(c.pckCRL, m.ca, m.pck); err != nil {
		return c, err
	}
	if err := dates.addList(tdxRootCRL, c.rootCRL); err != nil {
		return c, err
	}
	if err := dates.addList(tdxPCKCRL, c.pckCRL); err != nil {
		return c, err
	}
	if c.tcbBody, c.tcbChain, err = m.statement(q, tdxTCBInfo, "tcbInfo", &c.tcb, c.rootCRL, dates); err != nil {
		return c, err
	}
	c.qeBody, c.qeChain, err = m.statement(q, tdxQEIdentity, "enclaveIdentity", &c.qe, c.rootCRL, dates)
	return c, err
}

// statement reads what Intel signed, and gives it back with nothing beside it: in Go's JSON, a second
// key that differs in case only would replace the one that was signed.
func (m tdxMachine) statement(q Quote, item, key string, s *pcsStatement, revoked *x509.RevocationList, dates *validity) ([]byte, []*x509.Certificate, error) {
	parts := map[string]json.RawMessage{}
	if err := canon.DecodeJSON(q.find(item), &parts); err != nil || len(parts) != 2 {
		return nil, nil, fmt.Errorf("%w: %s: want %q and \"signature\": %v", ErrCollateral, item, key, err)
	}
	var signature string
	if err := json.Unmarshal(parts["signature"], &signature); err != nil {
		return nil, nil, fmt.Errorf("%w: %s: signature: %w", ErrCollateral, item, err)
	}
	if err := json.Unmarshal(parts[key], s); err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrCollateral, item, err)
	}
	chain, err := m.signer(q, item, revoked, dates)
	if err != nil {
		return nil, nil, err
	}
	if err := checkStatement(chain[0], parts[key], signature); err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrChain, item, err)
	}
	if err := dates.add(item, s.IssueDate, s.NextUpdate); err != nil {
		return nil, nil, err
	}
	body := bytes.Join([][]byte{[]byte(`{"` + key + `":`), parts[key], []byte(`,"signature":"` + signature + `"}`)}, nil)
	return body, chain, nil
}

// signer reads and verifies the chain of an item: the certificate that signed it, and the root.
func (m tdxMachine) signer(q Quote, item string, revoked *x509.RevocationList, dates *validity) ([]*x509.Certificate, error) {
	name := item + "-chain"
	chain, err := parseChain(q.find(name))
	if err != nil || len(chain) != 2 {
		return nil, fmt.Errorf("%w: %s of %d certificates, want 2: %v", ErrCollateral, name, len(chain), err)
	}
	if !chain[1].Equal(m.root) {
		return nil, fmt.Errorf("%w: %s ends at another root", ErrChain, name)
	}
	if err := chain[0].CheckSignatureFrom(m.root); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrChain, name, err)
	}
	if err := checkListed(revoked, m.root, chain[0]); err != nil {
		return nil, err
	}
	return chain, dates.addCertificate(name, chain[0])
}

// checkStatement verifies ECDSA over SHA-256, r and s in 64 bytes as hex.
func checkStatement(signer *x509.Certificate, signed []byte, signature string) error {
	raw, err := hex.DecodeString(signature)
	if err != nil || len(raw) != 64 {
		return fmt.Errorf("signature of %d bytes, want 64 in hex", len(raw))
	}
	key, ok := signer.PublicKey.(*ecdsa.PublicKey)
	digest := sha256.Sum256(signed)
	if !ok || !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		return errors.New("signature is wrong")
	}
	return nil
}

// Get gives what Intel's service would answer under that address.
func (c tdxCollateral) Get(address string) (map[string][]string, []byte, error) {
	switch {
	case strings.HasPrefix(address, pcs.TcbInfoURL("")):
		return pcsHeader("Tcb-Info-Issuer-Chain", c.tcbChain), c.tcbBody, nil
	case address == pcs.QeIdentityURL():
		return pcsHeader("Sgx-Enclave-Identity-Issuer-Chain", c.qeChain), c.qeBody, nil
	case strings.HasPrefix(address, pcs.PckCrlURL("platform")), strings.HasPrefix(address, pcs.PckCrlURL("processor")):
		return pcsHeader("Sgx-Pck-Crl-Issuer-Chain", c.pckIssuers), c.pckCRL.Raw, nil
	default: // where the root's certificate says its list is
		return nil, c.rootCRL.Raw, nil
	}
}

// pcsHeader is a chain as the service writes it into a header.
func pcsHeader(name string, chain []*x509.Certificate) map[string][]string {
	var text []byte
	for _, c := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return map[string][]string{name: {url.QueryEscape(string(text))}}
}
