package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Limits of a challenge.
const (
	// MaxStatementBytes bounds an answer: the largest quote in base64, and what stands around it.
	MaxStatementBytes = 2 << 20
	// maxHeadBytes bounds its status line and headers.
	maxHeadBytes = 64 << 10
	// connectTimeout bounds connection and handshake, challengeTimeout the answer: a TPM takes its time.
	connectTimeout   = 15 * time.Second
	challengeTimeout = 30 * time.Second
	nonceBytes       = 32
)

// challenge sends a nonce over a connection that carries nothing else yet, and reads the answer to its last
// byte, so that the connection can be used for requests after it.
func (t *attested) challenge(ctx context.Context, conn *tls.Conn, key KeyHash) (Answer, error) {
	a := Answer{Key: key, Nonce: freshNonce(), Exchange: conn.ConnectionState().CurveID}
	timeout := t.patience
	if timeout == 0 {
		timeout = challengeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	var err error
	a.Statement, err = t.ask(ctx, conn, a.Nonce)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return a, fmt.Errorf("challenge: no whole answer in time (at most %v): %w", timeout, context.DeadlineExceeded)
	case err != nil:
		return a, fmt.Errorf("challenge: %w", err)
	}
	return a, nil
}

func (t *attested) ask(ctx context.Context, conn *tls.Conn, nonce []byte) ([]byte, error) {
	target := *t.base
	target.Path, target.RawPath = strings.TrimSuffix(target.Path, "/")+"/v1/attestation", ""
	target.RawQuery = "nonce=" + hex.EncodeToString(nonce)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: MaxStatementBytes + maxHeadBytes}
	reader := bufio.NewReader(limited)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, cutOff(limited, err)
	}
	defer response.Body.Close()
	if err := refusal(response); err != nil {
		return nil, err
	}
	statement, err := io.ReadAll(io.LimitReader(response.Body, MaxStatementBytes+1))
	switch {
	case err != nil:
		return nil, cutOff(limited, err)
	case len(statement) > MaxStatementBytes:
		return nil, tooLarge()
	case reader.Buffered() > 0 || response.Close:
		return nil, &distrust{fmt.Errorf("%w: it does not keep to one answer on one open connection", ErrNotAttested)}
	}
	return statement, nil
}

// cutOff tells an answer beyond the limit from one that broke off.
func cutOff(limited *io.LimitedReader, err error) error {
	if limited.N <= 0 {
		return tooLarge()
	}
	return err
}

func tooLarge() error {
	return &distrust{fmt.Errorf("%w: its answer is larger than %d bytes", ErrNotAttested, MaxStatementBytes)}
}

// refusal is nil for a success. A busy node may answer another time.
func refusal(response *http.Response) error {
	switch status := response.StatusCode; {
	case status == http.StatusOK:
		return nil
	case status >= 300 && status < 400:
		return &distrust{fmt.Errorf("%w: it answers with a redirect (%d), which is not followed", ErrNotAttested, status)}
	case status == http.StatusTooManyRequests || status >= 500:
		return fmt.Errorf("%w: it answers %d %s", ErrNotAttested, status, http.StatusText(status))
	default:
		return &distrust{fmt.Errorf("%w: it answers %d %s", ErrNotAttested, status, http.StatusText(status))}
	}
}
