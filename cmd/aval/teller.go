package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// teller reads records and books commands as the key's party.
type teller struct {
	remote
	printer
	signer *envelope.Signer
	client *client.Client
}

func (t *teller) flags(c *cobra.Command) {
	t.remote.flags(c)
	t.printer.flag(c)
}

// open connects to the node for as long as work takes, bounded by --timeout.
func (t *teller) open(c *cobra.Command, work func(context.Context) error) error {
	ctx, cancel, err := t.context(c)
	if err != nil {
		return err
	}
	defer cancel()
	if t.signer, err = t.identify(ctx); err != nil {
		return err
	}
	if t.client, err = t.remote.client(t.signer); err != nil {
		return err
	}
	return work(ctx)
}

// whose learns from the registry which party's the key is.
func (t *teller) whose(ctx context.Context) (domain.PartyID, error) {
	var key domain.Key
	found, err := t.look(ctx, domain.GovernanceKind, "key/"+t.signer.Key.ID, &key)
	if err == nil && (!found || key.Class != domain.PartyHolder) {
		err = errors.New("the key is no party's on this ledger")
	}
	return domain.PartyID(key.Holder), err
}

// row is one record with its fields still as text.
type row struct {
	ID     domain.RecordID `json:"id"`
	Status string          `json:"status"`
	Final  bool            `json:"final"`
	Fields json.RawMessage `json:"fields"`
}

func (r row) key() string {
	_, key, _ := r.ID.Split()
	return key
}

// list reads the records of a kind that the party may see, page by page. An empty status is any.
func (t *teller) list(ctx context.Context, kind domain.Kind, status string, visit func(row) error) error {
	query := url.Values{"kind": {string(kind)}, "limit": {"1000"}}
	if status != "" {
		query.Set("status", status)
	}
	for {
		text, err := t.client.Get(ctx, "/v1/contracts?"+query.Encode())
		if err != nil {
			return err
		}
		var page struct {
			Records []row  `json:"records"`
			Next    string `json:"next"`
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return fmt.Errorf("read the node's records: %w", err)
		}
		for _, r := range page.Records {
			if err := visit(r); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		query.Set("cursor", page.Next)
	}
}

// look reads one record's fields. It is not found, with no error, if there is none that the party may see.
func (t *teller) look(ctx context.Context, kind domain.Kind, key string, fields any) (found bool, err error) {
	id := domain.NewRecordID(kind, key)
	text, err := t.client.Get(ctx, "/v1/contracts/"+url.PathEscape(string(id)))
	var answered *client.Error
	if errors.As(err, &answered) && answered.Status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var r row
	if err = json.Unmarshal(text, &r); err == nil {
		err = json.Unmarshal(r.Fields, fields)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", id, err)
	}
	return true, nil
}

// book signs one command, sends it and waits until it is in the log. A refusal is in the reply, if it was logged, and is the error.
func (t *teller) book(ctx context.Context, kind domain.Kind, contract, name string, body any) (ledger.Reply, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return ledger.Reply{}, err
	}
	command := domain.Command{Ledger: t.origin, Kind: kind, Contract: contract, Name: name, Body: text}
	jws, err := client.Sign(t.signer, command, time.Now(), commandLifetime)
	if err != nil {
		return ledger.Reply{}, err
	}
	return t.client.Submit(ctx, jws, ledger.ForCommitted)
}
