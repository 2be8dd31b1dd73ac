package aval

import (
	_ "github.com/eclipse/paho.mqtt.golang"
	_ "github.com/fxamacker/cbor/v2"
	_ "github.com/go-jose/go-jose/v4"
	_ "github.com/labstack/echo/v4"
	_ "github.com/mochi-mqtt/server/v2"
	_ "github.com/oklog/ulid/v2"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/robfig/cron/v3"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/shopspring/decimal"
	_ "github.com/spf13/cobra"
	_ "github.com/tidwall/btree"
	_ "github.com/transparency-dev/formats/log"
	_ "github.com/transparency-dev/formats/proof"
	_ "github.com/veraison/go-cose"
	_ "golang.org/x/mod/sumdb/tlog"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/tools/txtar"
	_ "modernc.org/sqlite"
	_ "pgregory.net/rapid"
)
