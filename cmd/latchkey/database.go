package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/store"
)

// databaseURL is DATABASE_URL, or the embedded database of a running latchkey.
func databaseURL() (string, error) {
	// Only the keys that matter here must be right.
	environ := pick(nil, "DATABASE_URL", "DATABASE_URL_FILE", "LATCHKEY_STATE", "LATCHKEY_SCHEMA")
	if c, err := config.Load(environ, config.Admin); err == nil {
		return store.InSchema(c.DatabaseURL, c.Schema), nil
	} else if os.Getenv("DATABASE_URL")+os.Getenv("DATABASE_URL_FILE") != "" {
		return "", err
	}
	dir, err := app.StateDir(config.Config{StateDir: os.Getenv("LATCHKEY_STATE")})
	if err != nil {
		return "", err
	}
	url, err := app.RunningDatabase(dir)
	return store.InSchema(url, os.Getenv("LATCHKEY_SCHEMA")), err
}

// pick returns those variables of the environment, for commands that need only
// some of the configuration to be right.
func pick(more []string, keys ...string) []string {
	for _, key := range keys {
		if v, set := os.LookupEnv(key); set {
			more = append(more, key+"="+v)
		}
	}
	return more
}

// withSecrets adds the variables that are none of latchkey's own: LATCHKEY_CONFIG
// may name any of them for a secret.
func withSecrets(environ []string) []string {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		ours := strings.HasPrefix(name, "LATCHKEY_") || strings.HasPrefix(name, "ZOOM_") || strings.HasPrefix(name, "NATS_URL") || strings.HasPrefix(name, "DATABASE_URL")
		if !ours {
			environ = append(environ, kv)
		}
	}
	return environ
}

// policyKeys are what policies and Zoom's credentials are configured by.
var policyKeys = []string{"LATCHKEY_CONFIG", "LATCHKEY_POLICY", "LATCHKEY_ZOOM_PLAN", "ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID",
	"ZOOM_CLIENT_SECRET", "ZOOM_CLIENT_SECRET_FILE", "ZOOM_API_URL", "ZOOM_OAUTH_URL"}

// withStore runs f on the database, for at most half a minute.
func withStore(cmd *cobra.Command, f func(context.Context, *store.Store) error) error {
	url, err := databaseURL()
	if err != nil {
		return err
	}
	s, err := store.Open(url)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
	defer cancel()
	return f(ctx, s)
}
