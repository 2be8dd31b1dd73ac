package witness

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"aval/ledger"
)

// Limits of the client's end.
const (
	// maxAnswerBytes bounds what a witness may answer.
	maxAnswerBytes = 64 << 10
	// requestTimeout bounds one request to one witness.
	requestTimeout = 10 * time.Second
	// maxTimeAhead is how far the clock of a witness may run ahead of ours: verifiers may refuse
	// a cosignature from the future.
	maxTimeAhead = 5 * time.Minute
)

// The ways in which a witness fails to cosign: the labels under which they are counted.
const (
	reasonUnreachable = "unreachable"
	reasonRefused     = "refused"
	reasonSignature   = "bad-signature"
	reasonAnswer      = "bad-answer"
	reasonAhead       = "contradiction"
)

// failure is why a witness did not cosign.
type failure struct {
	reason string
	cause  error
}

// Error gives reason and cause.
func (f *failure) Error() string { return f.reason + ": " + f.cause.Error() }

// Unwrap gives the cause.
func (f *failure) Unwrap() error { return f.cause }

func fail(reason, text string, args ...any) error {
	return &failure{reason, fmt.Errorf(text, args...)}
}

// The answers of a witness that know another history, if they are true.
var (
	errKnowsMore  = errors.New("the witness knows a longer log")
	errKnowsOther = errors.New("the witness knows another root")
)

// client reaches one witness.
type client struct {
	verifier   note.Verifier
	add, shown string
	http       *http.Client
	now        func() time.Time
}

func newClient(w ledger.Witness, origin string, transport http.RoundTripper, now func() time.Time) (*client, error) {
	base, err := url.Parse(w.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("witness %.80q: want a URL of http or https, a host, and no user or query", w.Name)
	}
	return &client{
		verifier: w.Verifier, add: base.JoinPath("add-checkpoint").String(), shown: base.JoinPath("checkpoint", originHash(origin)).String(), now: now,
		http: &http.Client{Transport: transport, Timeout: requestTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}, nil
}

// cosign asks for a cosignature and gives its line, checked. A conflict names what the witness
// knows. errKnowsOther and other refusals are failures; nothing of them is proved.
func (c *client) cosign(ctx context.Context, r request) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.add, bytes.NewReader(r.format()))
	if err != nil {
		return nil, &failure{reasonUnreachable, err}
	}
	code, media, body, err := c.do(request)
	if err != nil {
		return nil, err
	}
	switch code {
	case http.StatusOK:
		return c.check(r.checkpoint, body)
	case http.StatusConflict:
		return nil, conflictOf(media, body)
	case http.StatusUnprocessableEntity:
		return nil, &failure{reasonAhead, errKnowsOther}
	}
	return nil, fail(reasonRefused, "status %d", code)
}

// conflictOf reads the size in a conflict. Without one the witness knows another root of this size.
func conflictOf(media string, body []byte) error {
	if kind, _, err := mime.ParseMediaType(media); err != nil || kind != sizeType {
		return &failure{reasonAhead, errKnowsOther}
	}
	size, err := parseSize(strings.TrimSuffix(string(body), "\n"))
	if err != nil {
		return &failure{reasonAnswer, err}
	}
	return &conflict{size}
}

// check verifies an answer as C2SP suggests: put behind the checkpoint, it must open under the
// key of the witness. What other keys signed is left out.
func (c *client) check(checkpoint, answer []byte) ([]byte, error) {
	n, err := note.Open(append(bytes.Clone(checkpoint), answer...), note.VerifierList(c.verifier))
	if err != nil {
		return nil, fail(reasonSignature, "%w", err)
	}
	s := n.Sigs[0]
	if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
		return nil, fail(reasonSignature, "not in its exact form")
	}
	at, err := cosignature.CoSigV1Timestamp(s)
	if err != nil || at.Unix() < 0 || at.Sub(c.now()) > maxTimeAhead {
		return nil, fail(reasonSignature, "its time is out of range or in the future")
	}
	return formatLine(s), nil
}

// evidence asks for the head that the witness knows. Witnesses of other makes may not show it.
func (c *client) evidence(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.shown, nil)
	if err != nil {
		return nil, &failure{reasonUnreachable, err}
	}
	code, _, body, err := c.do(request)
	if err == nil && code != http.StatusOK {
		err = fail(reasonRefused, "status %d", code)
	}
	return body, err
}

// do sends a request and reads the answer whole. Errors do not quote it: logs are for operators.
func (c *client) do(r *http.Request) (code int, media string, body []byte, err error) {
	response, err := c.http.Do(r)
	if err != nil {
		return 0, "", nil, &failure{reasonUnreachable, err}
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return 0, "", nil, &failure{reasonUnreachable, err}
	}
	if len(body) > maxAnswerBytes {
		return 0, "", nil, fail(reasonAnswer, "more than %d bytes", maxAnswerBytes)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), body, nil
}
