// A real browser against our stack over TLS: a page by https, echoes by wss, close codes, and a certificate it refuses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rm } from 'node:fs/promises';
import { makeCertificate, profileFolder, startBrowser, startServer } from './lab.mjs';

const host = '10.77.0.2';
const limit = { timeout: 120_000 };
const folders = [];
let server, browser;

async function newFolder() {
  folders.push(await profileFolder());
  return folders.at(-1);
}

before(async () => {
  const { certificate, key, pin } = await makeCertificate(await newFolder(), host);
  server = await startServer(['--http', '80', '--https', '443', '--tls-cert', certificate, '--tls-key', key,
                              '--ws-echo', '/echo', '--ws-chat', '/chat']);
  browser = await startBrowser(await newFolder(), [`--ignore-certificate-errors-spki-list=${pin}`]);
}, limit);

after(async () => {
  await browser?.close();
  await server?.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}, limit);

async function newPage(url = `https://${host}/`, from = browser) {
  const page = await from.newPage();
  await page.goto(url);
  return page;
}

/// Opens wss://HOST/PATH in the page, sends so many `bytes` or closes with `close`, and tells how it ended.
function closing(page, path, { bytes, close } = {}) {
  return page.evaluate(([url, size, end]) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => size ? socket.send(new Uint8Array(size)) : end && socket.close(...end);
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  }), [`wss://${host}${path}`, bytes, close]);
}

test('a page comes by https, in TLS 1.3, from a certificate that the browser pinned', limit, async () => {
  const page = await browser.newPage();
  const response = await page.goto(`https://${host}/`);
  assert.equal(response.status(), 200);
  assert.equal((await response.securityDetails()).protocol, 'TLS 1.3');
  assert.equal(await page.evaluate(() => isSecureContext), true);
  await page.close();
});

test('text and binary messages are echoed over wss, and compression was agreed on', limit, async () => {
  const page = await newPage();
  const { extensions, same } = await page.evaluate((url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    const noise = new Uint8Array(1_000_000);
    for (let i = 0, state = 1; i < noise.length; i++)
      noise[i] = (state = Math.imul(state, 1664525) + 1013904223 >>> 0) >>> 24;
    const sent = ['', 'Gr\u00fc\u00dfe \u{1f600}', 'well compressed '.repeat(100_000), new Uint8Array([0, 255, 10]), noise];
    const equal = (back, one) => typeof one === 'string' ? back === one
      : back.byteLength === one.length && new Uint8Array(back).every((byte, i) => byte === one[i]);
    const back = [];
    socket.onopen = () => sent.forEach((message) => socket.send(message));
    socket.onclose = (end) => reject(new Error(`closed: ${end.code} ${end.reason}`));
    socket.onmessage = ({ data }) => {
      back.push(data);
      if (back.length < sent.length) return;
      resolve({ extensions: socket.extensions, same: back.map((one, i) => equal(one, sent[i])) });
    };
  }), `wss://${host}/echo`);
  assert.match(extensions, /^permessage-deflate(;|$)/);
  assert.deepEqual(same, [true, true, true, true, true]);
  await page.close();
});

test('close codes over wss are what JavaScript sees', limit, async () => {
  const page = await newPage();
  const clean = (code) => ({ code, reason: '', wasClean: true });
  assert.deepEqual(await closing(page, '/echo', { close: [] }), clean(1005));
  assert.deepEqual(await closing(page, '/echo', { close: [1000, 'bye'] }), clean(1000));
  assert.deepEqual(await closing(page, '/echo', { close: [4321, 'ours'] }), clean(4321));
  assert.equal((await closing(page, '/chat/ws?name=x', { bytes: 1 })).code, 1003);
  assert.equal((await closing(page, '/echo', { bytes: 17 << 20 })).code, 1009);
  assert.deepEqual(await closing(page, '/nothing'), { code: 1006, reason: '', wasClean: false });
  await page.close();
});

test('the chat page speaks wss when it came by https', limit, async () => {
  const page = await newPage(`https://${host}/chat`);
  const opened = page.waitForEvent('websocket');
  await page.getByLabel('Your name').fill('Ann');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('connected as Ann').waitFor();
  assert.match((await opened).url(), /^wss:/);
  await page.close();
});

test('without the pin the certificate is refused, and JavaScript hears 1006 and no reason', limit, async () => {
  const strict = await startBrowser(await newFolder());
  const page = await newPage(`http://${host}/`, strict);
  assert.deepEqual(await closing(page, '/echo'), { code: 1006, reason: '', wasClean: false });
  await assert.rejects(page.goto(`https://${host}/`), /ERR_CERT_AUTHORITY_INVALID/);
  await strict.close();
});
