package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"aval/domain"
	"aval/ledger/enclave"
	"aval/ledger/recovery"
)

// peerTimeout bounds each half of the exchange with a peer.
const peerTimeout = 30 * time.Second

// RecoverFromPeer obtains the keys from a running node of the same ledger, which appraises
// this machine's quote, and seals them to this machine. Keys of another ledger than the policy's are refused whoever
// grants them. It gives the platform that sealed them.
func (l Lost) RecoverFromPeer(ctx context.Context, url string) (enclave.Platform, error) {
	r, err := l.open()
	if err != nil {
		return nil, err
	}
	url = strings.TrimSuffix(url, "/")
	nonce, err := askPeer(ctx, http.MethodGet, url+challengePath, nil, recovery.NonceBytes)
	if err != nil {
		return nil, err
	}
	request, key, err := recovery.NewRequest(r.policy.Origin(), nonce)
	if err != nil {
		return nil, err
	}
	if err := quoteRequest(&request, r.platform); err != nil {
		return nil, err
	}
	body, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	granted, err := askPeer(ctx, http.MethodPost, url+grantPath, body, recovery.MaxGrant)
	if err != nil {
		return nil, err
	}
	secrets, err := request.Accept(key, granted)
	if err != nil {
		return nil, err
	}
	return r.platform, r.install(ctx, secrets, domain.OpenedByPeer)
}

// askPeer makes one request of a peer, whose answer is bounded.
func askPeer(ctx context.Context, method, url string, body []byte, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask peer: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask peer: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("ask peer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the peer refused (%s): %.300s", response.Status, bytes.TrimSpace(answer))
	}
	if int64(len(answer)) > limit {
		return nil, fmt.Errorf("the peer's answer is longer than %d bytes", limit)
	}
	return answer, nil
}
