// Starts what the browser test needs, and ends it again.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { SLUICE_COMMAND, SLUICE_KEEP, SLUICE_CHROMIUM } = process.env;

/// `sluice serve FLAGS`, ready; stop() waits for its end, and throws when that is not a good one.
export async function startServer(flags) {
  const child = spawn(SLUICE_COMMAND, ['serve', '--name', 'browser', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const ready = new Promise((resolve) => child.stdout.on('data', (text) => {
    said += text;
    if (said.includes('ready')) resolve('ready');
  }));
  const first = await Promise.race([ready, ended]);
  if (first !== 'ready') throw new Error(`sluice serve ended with ${first}: ${said}`);
  const stop = async () => {
    child.kill('SIGTERM');
    const status = await ended;
    if (status !== 0) throw new Error(`sluice serve ended with ${status}`);
  };
  return { stop };
}

export const profileFolder = () => mkdtemp(join(tmpdir(), 'profile-'));

/// A certificate for `host` that nobody vouches for, and the pin by which Chromium may be told to believe it all the same:
/// the SHA-256 of its public key (RFC 7469 2.4).
export async function makeCertificate(folder, host) {
  const certificate = join(folder, 'server.pem'), key = join(folder, 'server.key');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                           '-subj', '/CN=sluice', '-addext', `subjectAltName=IP:${host}`, '-keyout', key,
                           '-out', certificate], { stdio: 'pipe' });
  const spki = new X509Certificate(await readFile(certificate)).publicKey.export({ type: 'spki', format: 'der' });
  return { certificate, key, pin: createHash('sha256').update(spki).digest('base64') };
}

/// Chromium with an empty profile, that speaks to nobody but us.
export async function startBrowser(profile, flags = []) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: SLUICE_CHROMIUM,
    headless: true,
    viewport: { width: 800, height: 600 },
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
           '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', ...flags],
  });
  context.setDefaultTimeout(30_000);
  return {
    newPage: () => context.newPage(),
    close: () => context.close(),
    screenshot: (page, name) => page.screenshot({ path: join(SLUICE_KEEP, name) }),
  };
}
