package api

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// submit hands a signed command to the engine. 200 with the reply; 202 if only admission was
// waited for; the problem document of its code if the command was refused, with the place in the log if it
// was ordered first. Line breaks after the JWS are not part of it.
func (s *Server) submit(c call) error {
	wait, err := c.query.wait()
	if err != nil {
		return err
	}
	reply, err := s.enter(c, envelope.CommandType, ledger.CommandFormat, wait)
	if err != nil {
		return err
	}
	switch {
	case wait == ledger.ForWitnessed:
		return c.JSON(http.StatusOK, witnessed{reply, reply.Witnessed})
	case wait == ledger.ForAccepted:
		return c.JSON(http.StatusAccepted, accepted{ID: reply.ID})
	}
	return c.JSON(http.StatusOK, reply)
}

// enter hands the signed body of a request to the engine. What was refused after it had been logged is an error too.
func (s *Server) enter(c call, typ, format string, wait ledger.Wait) (ledger.Reply, error) {
	var none ledger.Reply
	raw, release, err := s.body(c)
	if err != nil {
		return none, err
	}
	defer release()
	patience := s.limits.wait
	if wait == ledger.ForWitnessed {
		patience = s.limits.witnessed
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	raw = bytes.TrimRight(raw, "\r\n")
	settle, err := s.meter(c.Request(), typ, raw)
	if err != nil {
		return none, err
	}
	reply, err := s.ledger.Submit(ctx, format, raw, wait)
	if err = settle(err); err != nil {
		return none, err
	}
	if reply.Code != "" {
		return none, loggedRefusal(reply)
	}
	return reply, nil
}

// meter counts a command against the party whose key it names, and a capture against the operator of the
// device, before any signature is checked. settle takes that back if the key turns out not to have signed it.
func (s *Server) meter(r *http.Request, typ string, raw []byte) (settle func(error) error, err error) {
	jws, _, _ := bytes.Cut(raw, []byte("~")) // private values come behind it
	shell, _, err := envelope.Open(typ, jws)
	key, payer, active := s.payer(typ, shell.KeyID)
	if err != nil || !active { // the engine says what is wrong with it
		return func(err error) error {
			if err != nil {
				err = s.unknown(r, err)
			}
			return err
		}, nil
	}
	if err := s.mayForge(r, key.ID); err != nil {
		return nil, err
	}
	undo, err := s.rates.take(commandsOf(payer), s.ledger.Limits().CommandsPerMinute, s.now())
	if err != nil {
		return nil, err
	}
	return func(err error) error {
		if isRefused(err, domain.BadSignature) {
			undo()
			return s.forged(r, key.ID, err)
		}
		return err
	}, nil
}

// witnessed is the answer to who waits for witnesses: also that they did not come in time is said.
type witnessed struct {
	ledger.Reply
	Witnessed bool `json:"witnessed"`
}

// accepted is the answer to a command that has no place in the log yet.
type accepted struct {
	ID string `json:"id"`
}

// status gives the first reply to a command. The question is answered, so a refused command
// is 200 too, with its code.
func (s *Server) status(c call) error {
	id, err := commandID(c)
	if err != nil {
		return err
	}
	reply, err := s.ledger.Status(c.viewer.party, id)
	if err != nil {
		return read(err)
	}
	return c.JSON(http.StatusOK, reply)
}

// body reads the request's body; release gives back the room it takes.
func (s *Server) body(c call) (raw []byte, release func(), err error) {
	r := c.Request()
	if !acceptable(r.Header) {
		return nil, nil, newProblem(unsupportedMedia, "")
	}
	room := r.ContentLength
	if room < 0 || room > maxBodyBytes {
		room = maxBodyBytes
	}
	if release, err = s.load.reserve(room); err != nil {
		return nil, nil, err
	}
	var buffer bytes.Buffer
	if r.ContentLength > 0 {
		buffer.Grow(int(room) + bytes.MinRead) // one allocation, and room to see the end
	}
	if r.ContentLength > maxBodyBytes {
		err = &http.MaxBytesError{Limit: maxBodyBytes}
	} else {
		_, err = buffer.ReadFrom(http.MaxBytesReader(c.Response(), r.Body, maxBodyBytes))
	}
	if err != nil {
		release()
		return nil, nil, bodyFault(err)
	}
	return buffer.Bytes(), release, nil
}

// bodyFault says what a failed read means.
func bodyFault(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return newProblem(requestTimeout, "")
	}
	return domain.Refuse(domain.Malformed, "the body ended early")
}

// acceptable says whether the body is of a type that a JWS comes in, uncompressed.
func acceptable(h http.Header) bool {
	if h.Get(echo.HeaderContentEncoding) != "" {
		return false
	}
	text := h.Get(echo.HeaderContentType)
	if text == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(text)
	return err == nil && (media == "application/jose" || media == echo.MIMETextPlain || media == echo.MIMEOctetStream)
}
