package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aval/contracts/invoice"
	"aval/contracts/invoice/ubl"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

const (
	// attachedPart is how many bytes of a compressed file fit into one private value.
	attachedPart = 4400
	// attachedName begins the names of the values that hold a file.
	attachedName = "document."
)

// enclose puts the file beside the signed text, in parts, for supplier and buyer.
func (i *documentImport) enclose(q *request, a invoice.Agreement) error {
	if !i.attach {
		return nil
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(i.raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if n := (packed.Len() + attachedPart - 1) / attachedPart; n > domain.MaxPrivate {
		return fmt.Errorf("--attach: the file is %d bytes when compressed, limit %d; its hash goes with the command in any case", packed.Len(), domain.MaxPrivate*attachedPart)
	}
	for part := range slices.Chunk(packed.Bytes(), attachedPart) {
		value, err := json.Marshal(base64.StdEncoding.EncodeToString(part))
		if err != nil {
			return err
		}
		q.Private = append(q.Private, envelope.Value{
			Subject: a.Terms.Supplier, Readers: []domain.PartyID{a.Terms.Buyer}, Name: fmt.Sprintf("%s%02d", attachedName, len(q.Private)), Value: value,
		})
	}
	return nil
}

// attached fetches the file that was sent with a record's first entry, and wants it to be the one that the ledger has the hash of.
func (k *desk) attached(ctx context.Context, record domain.RecordID, sum string) ([]byte, error) {
	var digests []string
	err := k.client.History(ctx, record, func(page ledger.EntryPage) error {
		for _, e := range page.Entries {
			for _, p := range e.Private {
				digests = append(digests, p.Digest)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	parts := map[string]string{}
	for _, digest := range digests {
		body, err := k.client.Get(ctx, "/v1/private/"+digest)
		if err != nil {
			return nil, err
		}
		if err := takePart(parts, body); err != nil {
			return nil, err
		}
	}
	return unpack(parts, sum)
}

// takePart reads a private value of the API, if it is a part of a file.
func takePart(parts map[string]string, body []byte) error {
	var view struct {
		Disclosure string `json:"disclosure"`
	}
	if err := json.Unmarshal(body, &view); err != nil {
		return err
	}
	value, err := envelope.OpenPrivate([]byte(view.Disclosure))
	if err != nil || !strings.HasPrefix(value.Name, attachedName) {
		return err
	}
	var text string
	if err := json.Unmarshal(value.Value, &text); err != nil {
		return fmt.Errorf("%s: %w", value.Name, err)
	}
	parts[value.Name] = text
	return nil
}

func unpack(parts map[string]string, sum string) ([]byte, error) {
	var packed []byte
	for part := range len(parts) {
		text, found := parts[fmt.Sprintf("%s%02d", attachedName, part)]
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !found {
			return nil, errors.New("the file beside this record is not whole")
		}
		packed = append(packed, data...)
	}
	if len(packed) == 0 {
		return nil, errors.New("no file was sent with this record, or it was erased")
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	raw, err := readAll(r, "document", ubl.MaxBytes)
	if err != nil {
		return nil, err
	}
	if got := sha256.Sum256(raw); sum != "" && hex.EncodeToString(got[:]) != sum {
		return nil, errors.New("the file beside this record is not the one whose hash it has")
	}
	return raw, nil
}
