// Package client talks to a ledger's HTTP API as one party: it signs read tokens, repeats
// what is safe to repeat, bounds what it reads, and gives refusals back as *domain.Rejection.
//
// Repeating is safe everywhere here: reads change nothing, and the same command bytes have one
// effect. It repeats after a broken connection and after an answer that says "later"
// (429, 502, 503, 504), with growing pauses, a few times. It follows no redirect, so that a
// token goes to the configured server and nowhere else.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// Limits of one request.
const (
	// MaxResponseBytes bounds an answer: a page of 1000 records fits, a flood does not.
	MaxResponseBytes = 64 << 20
	// attempts bounds how often a request is sent.
	attempts = 5
	// attemptTimeout covers one attempt: the server's longest wait for a command, and transport.
	attemptTimeout = 45 * time.Second
)

// Config says which ledger, and as whom.
type Config struct {
	// URL is the server's address, "https://ledger.example". A path in it is kept as prefix.
	URL string
	// Ledger is the ledger's origin, for which tokens are signed.
	Ledger string
	// Signer holds the party's key; nil reads only what is public.
	Signer *envelope.Signer
	// Trust says which keys an https server may have. Without it such a server needs a Transport.
	Trust *Trust
	// Transport is for callers who see to trust themselves; nil: http.DefaultTransport for http, one by Trust for https.
	Transport http.RoundTripper
	// Now is nil for time.Now.
	Now func() time.Time
}

// Client is safe for concurrent use.
type Client struct {
	base   *url.URL
	config Config
	http   *http.Client
	now    func() time.Time
	// pause is the first pause between attempts, quiet the longest silence on a stream.
	pause, quiet time.Duration
}

// New makes a client. It opens no connection. ErrUntrusted.
func New(c Config) (*Client, error) {
	base, err := parse(c.URL)
	if err != nil {
		return nil, err
	}
	switch {
	case base.Scheme == "https" && c.Trust != nil && c.Transport == nil:
		c.Transport = (&attested{base: base, trust: *c.Trust, known: map[KeyHash]bool{}}).transport()
	case c.Trust != nil:
		return nil, errors.New("server address: trust needs https, and no transport beside it")
	case base.Scheme == "https" && c.Transport == nil:
		return nil, ErrUntrusted
	}
	client := &Client{base: base, config: c, now: c.Now, pause: 200 * time.Millisecond, quiet: 45 * time.Second}
	if client.now == nil {
		client.now = time.Now
	}
	client.http = &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return client, nil
}

func parse(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil || base.RawQuery != "" {
		return nil, errors.New("server address: want http or https, a host, and no user or query")
	}
	return base, nil
}

// Submit sends a signed command and waits as asked. A refusal is an error that holds a
// *domain.Rejection; if the command was ordered first, the reply says where in the log it
// stands, with the receipt, beside the error. Any other error leaves the outcome open: send the same bytes again.
func (c *Client) Submit(ctx context.Context, jws []byte, wait ledger.Wait) (ledger.Reply, error) {
	names := map[ledger.Wait]string{
		ledger.ForAccepted: "accepted", ledger.ForCommitted: "committed", ledger.ForReceipt: "receipt", ledger.ForWitnessed: "witnessed",
	}
	body, err := c.send(ctx, http.MethodPost, "/v1/commands?wait="+names[wait], jws)
	return replyOf(body, err)
}

// Capture sends a carrier's signed document and waits for its receipt, as Submit does. Its reply has no ID.
func (c *Client) Capture(ctx context.Context, jws []byte) (ledger.Reply, error) {
	return replyOf(c.send(ctx, http.MethodPost, "/v1/epcis/capture?wait=receipt", jws))
}

func replyOf(body []byte, err error) (ledger.Reply, error) {
	var reply ledger.Reply
	var refused *Error
	if errors.As(err, &refused) && (refused.Reply.BookedAt != 0 || refused.Reply.ID != "") {
		return refused.Reply, err
	}
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return reply, fmt.Errorf("read reply: %w", err)
	}
	return reply, nil
}

// Get reads a path, query included, of the API: "/v1/accounts", "/log/checkpoint".
func (c *Client) Get(ctx context.Context, path string) ([]byte, error) {
	return c.send(ctx, http.MethodGet, path, nil)
}

// send tries until an answer is final.
func (c *Client) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		answer, err := c.try(ctx, method, path, body)
		if err == nil || attempt == attempts || !retryable(err) {
			return answer, err
		}
		if late := c.rest(ctx, attempt, err); late != nil {
			return nil, errors.Join(late, err)
		}
	}
}

// try sends once and reads the answer whole.
func (c *Client) try(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	response, err := c.do(ctx, method, path, body, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, MaxResponseBytes+1))
	switch {
	case err != nil:
		return nil, &transportError{err}
	case len(answer) > MaxResponseBytes:
		return nil, fmt.Errorf("answer is larger than %d bytes", MaxResponseBytes)
	case response.StatusCode >= 300:
		return nil, problem(response, answer)
	}
	return answer, nil
}

// do sends one request, with a fresh token if the path is not public.
func (c *Client) do(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	target, err := c.target(path)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/jose")
	} else if c.config.Signer != nil && strings.HasPrefix(path, "/v1/") {
		token, err := envelope.SealToken(c.config.Signer, c.config.Ledger, domain.Millis(c.now().UnixMilli()))
		if err != nil {
			return nil, fmt.Errorf("sign token: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+string(token))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, &transportError{err}
	}
	return response, nil
}

// target joins the server's address and a path; nothing in the path can lead elsewhere.
func (c *Client) target(path string) (string, error) {
	relative, err := url.Parse(path)
	if err != nil || relative.Host != "" || relative.Scheme != "" || !strings.HasPrefix(path, "/") || relative.Fragment != "" {
		return "", errors.New("path: want one that begins with '/', as in /v1/accounts")
	}
	target := *c.base
	target.Path, target.RawPath = strings.TrimSuffix(c.base.Path, "/")+relative.Path, ""
	if relative.RawPath != "" {
		target.RawPath = strings.TrimSuffix(c.base.EscapedPath(), "/") + relative.RawPath
	}
	target.RawQuery = relative.RawQuery
	return target.String(), nil
}
