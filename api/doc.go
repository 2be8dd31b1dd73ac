// Package api serves a ledger over HTTP: commands in, replies, records, entries, receipts
// and log tiles out. It decides nothing about money. It owns the shape of requests and
// answers, who is asking, and how much anybody may ask for.
//
// Promises: an answer that says committed was committed by the engine first. "Not yours" and
// "not there" are the same bytes. Tokens, bodies and the details of internal errors reach no
// log line, no metric and no error text. Every input has a named limit (limits.go), every
// refusal a code with one status (codes.go), every answer a schema (openapi.json).
//
// Commands carry their own signature and need no token. Reads carry a short JWT that the
// party's registered key signed, see envelope.SealToken. Checkpoint, tiles, health and the
// OpenAPI document are public.
package api
