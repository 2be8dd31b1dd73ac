package api

import (
	"net/http"

	"aval/domain"
)

// The codes of answers that no engine gives: the request never reached one, or it failed.
const (
	unauthorized     domain.Code = "unauthorized"
	methodNotAllowed domain.Code = "method-not-allowed"
	requestTimeout   domain.Code = "request-timeout"
	urlTooLong       domain.Code = "url-too-long"
	unsupportedMedia domain.Code = "unsupported-media-type"
	tooManyStreams   domain.Code = "too-many-streams"
	internal         domain.Code = "internal"
	busy             domain.Code = "busy"
	rateLimited      domain.Code = "rate-limited"
	unavailable      domain.Code = "unavailable"
	diskFull         domain.Code = "disk-full"
	outcomeUnknown   domain.Code = "outcome-unknown"
)

// answer is the HTTP face of a code.
type answer struct {
	status int
	title  string
	// detail is what to say when nobody said more.
	detail string
}

// answers is the one table from code to status. A refusal of the engine that is no
// better described by another status is 422: understood, and refused.
var answers = map[domain.Code]answer{
	domain.Malformed:         {http.StatusBadRequest, "Malformed", ""},
	domain.TooLarge:          {http.StatusRequestEntityTooLarge, "Too large", ""},
	domain.BadSignature:      {http.StatusForbidden, "Bad signature", ""},
	domain.UnknownKey:        {http.StatusForbidden, "Unknown key", ""},
	domain.NotPermitted:      {http.StatusForbidden, "Not permitted", ""},
	domain.Frozen:            {http.StatusForbidden, "Frozen", ""},
	domain.NotFound:          {http.StatusNotFound, "Not found", "no such thing, or not yours"},
	domain.IDConflict:        {http.StatusConflict, "Command ID conflict", ""},
	domain.Equivocation:      {http.StatusConflict, "Equivocation", ""},
	domain.AlreadyExists:     {http.StatusConflict, "Already exists", ""},
	domain.WrongState:        {http.StatusConflict, "Wrong state", ""},
	domain.WrongLedger:       {http.StatusUnprocessableEntity, "Wrong ledger", ""},
	domain.Expired:           {http.StatusUnprocessableEntity, "Expired", ""},
	domain.UnknownKind:       {http.StatusUnprocessableEntity, "Unknown contract kind", ""},
	domain.UnknownCommand:    {http.StatusUnprocessableEntity, "Unknown command", ""},
	domain.InvalidTerms:      {http.StatusUnprocessableEntity, "Invalid terms", ""},
	domain.InvalidAmount:     {http.StatusUnprocessableEntity, "Invalid amount", ""},
	domain.CurrencyMismatch:  {http.StatusUnprocessableEntity, "Currency mismatch", ""},
	domain.InsufficientFunds: {http.StatusUnprocessableEntity, "Insufficient funds", ""},
	domain.CapacityExceeded:  {http.StatusUnprocessableEntity, "Capacity exceeded", ""},
	domain.TooEarly:          {http.StatusUnprocessableEntity, "Too early", ""},
	domain.TooLate:           {http.StatusUnprocessableEntity, "Too late", ""},
	domain.NoWatch:           {http.StatusUnprocessableEntity, "No watch", ""},
	domain.NotEvidence:       {http.StatusUnprocessableEntity, "Not evidence", ""},
	domain.PrivateMismatch:   {http.StatusUnprocessableEntity, "Private values do not match", ""},
	domain.WeakSalt:          {http.StatusUnprocessableEntity, "Weak salt", ""},
	domain.UnknownSubject:    {http.StatusUnprocessableEntity, "Unknown subject or reader", ""},
	domain.Erased:            {http.StatusUnprocessableEntity, "Erased", ""},
	domain.LimitExceeded:     {http.StatusUnprocessableEntity, "Limit exceeded", ""},

	unauthorized:     {http.StatusUnauthorized, "Unauthorized", "a read token is needed"},
	methodNotAllowed: {http.StatusMethodNotAllowed, "Method not allowed", "the Allow header names the methods of this path"},
	requestTimeout:   {http.StatusRequestTimeout, "Request time-out", "the body did not arrive in time"},
	urlTooLong:       {http.StatusRequestURITooLong, "URL too long", "the limit is 2048 bytes"},
	unsupportedMedia: {http.StatusUnsupportedMediaType, "Unsupported media type",
		"want application/jose, text/plain or application/octet-stream, without content coding"},
	tooManyStreams: {http.StatusTooManyRequests, "Too many streams", "this party has its full number of event streams open"},
	internal:       {http.StatusInternalServerError, "Internal error", "the request failed inside; the X-Request-Id header names it"},
	busy:           {http.StatusTooManyRequests, "Busy", "too much at once; try again after the time in Retry-After"},
	rateLimited: {http.StatusTooManyRequests, "Rate limited",
		"more in a minute than one party, or one address, may ask of this node; try again after the time in Retry-After"},
	unavailable: {http.StatusServiceUnavailable, "Unavailable", "the ledger cannot commit at present"},
	diskFull: {http.StatusInsufficientStorage, "Disk full",
		"the node's disk is nearly full and takes nothing new; send the same bytes again once there is room"},
	outcomeUnknown: {http.StatusGatewayTimeout, "Outcome unknown",
		"the result did not come in time and may still come: send the same bytes again, or ask for the command's ID"},
}
