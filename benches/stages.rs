//! Each stage of the road from an answer to a file, and beside it the least that its library takes
//! for the same bytes alone.
//!
//! ```sh
//! cargo bench --bench stages
//! ```
//!
//! The data is what the simulator answers for a week of 200 calls a day with 230 sentences each,
//! fetched once over HTTP. Sizes are those of the JSON where JSON is read, of Arrow's buffers where
//! columns are written. One thread.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on panics")]

use std::collections::HashMap;
use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::LazyLock;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use gong_export::calendar::{DateRange, Partition, PartitionBy};
use gong_export::dataset::{CALLS, CallInput, Dataset, PARTIES, Rows, Source, TRANSCRIPTS, TranscriptInput};
use gong_export::gong::Page;
use gong_export::gong::model::{Call, CallHead, Drift, Transcript};
use gong_export::sim::{self, Clock};
use gong_export::sink::checksum::Checksum;
use gong_export::sink::{DataFileWriter, Location, Store, WriterSettings};
use gong_export::state::footer::{Footer, SCHEMA_VERSION};
use gong_export::state::privacy_note::PrivacyNote;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// The bodies of the answers, calls and transcripts.
struct Answers {
    calls: Vec<Vec<u8>>,
    transcripts: Vec<Vec<u8>>,
}

static ANSWERS: LazyLock<Answers> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = json!({ "calls_per_day": 200, "sentences_per_call": 230, "requests_per_second": 0 });
        let clock = Clock::fixed("2026-03-20T12:00:00Z".parse().unwrap());
        let running = sim::start(serde_json::from_value(config).unwrap(), clock, None).await.unwrap();
        // No TLS is spoken here, but the client wants to know whose it would be.
        rustls::crypto::ring::default_provider().install_default().expect("the first to install one");
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let ask = async |path: &str, body: Value| {
            let url = running.base_url().join(path).unwrap();
            let request = client.post(url).basic_auth(running.access_key(), Some(running.access_key_secret()));
            let request = request.header("content-type", "application/json").body(body.to_string());
            request.send().await.unwrap().bytes().await.unwrap().to_vec()
        };
        let filter = json!({ "fromDateTime": "2026-03-02T00:00:00Z", "toDateTime": "2026-03-09T00:00:00Z" });
        let fields = json!({ "parties": true, "content": { "brief": true, "callOutcome": true },
            "interaction": { "speakers": true, "questions": true } });
        let mut answers = Answers { calls: Vec::new(), transcripts: Vec::new() };
        let mut body = json!({ "filter": filter, "contentSelector": { "exposedFields": fields } });
        loop {
            let page = ask("v2/calls/extensive", body.clone()).await;
            let answer: Value = serde_json::from_slice(&page).unwrap();
            let ids: Vec<_> =
                answer["calls"].as_array().unwrap().iter().map(|call| call["metaData"]["id"].clone()).collect();
            answers.transcripts.push(ask("v2/calls/transcript", json!({ "filter": { "callIds": ids } })).await);
            answers.calls.push(page);
            let Some(cursor) = answer["records"]["cursor"].as_str() else { return answers };
            body["cursor"] = json!(cursor);
        }
    })
});

struct Pages {
    calls: Vec<Page>,
    transcripts: Vec<Page>,
}

static PAGES: LazyLock<Pages> = LazyLock::new(|| {
    let parse =
        |bodies: &[Vec<u8>], array| bodies.iter().map(|body| Page::parse(body.clone(), array).unwrap()).collect();
    Pages { calls: parse(&ANSWERS.calls, "calls"), transcripts: parse(&ANSWERS.transcripts, "callTranscripts") }
});

fn size_of_records(pages: &[Page]) -> BytesCount {
    BytesCount::new(pages.iter().flat_map(Page::records).map(str::len).sum::<usize>())
}

fn size(bodies: &[Vec<u8>]) -> BytesCount {
    BytesCount::new(bodies.iter().map(Vec::len).sum::<usize>())
}

fn sentences() -> ItemsCount {
    ItemsCount::new(BATCHES.transcripts.iter().map(RecordBatch::num_rows).sum::<usize>())
}

/// The rows of every dataset, as batches of the size that the engine makes.
struct Batches {
    calls: Vec<RecordBatch>,
    parties: Vec<RecordBatch>,
    transcripts: Vec<RecordBatch>,
}

static BATCHES: LazyLock<Batches> = LazyLock::new(|| {
    let batches = |dataset| with_inputs(|inputs| rows(dataset, inputs));
    Batches { calls: batches(&CALLS), parties: batches(&PARTIES), transcripts: batches(&TRANSCRIPTS) }
});

fn with_inputs<T>(take: impl FnOnce(&[CallInput<'_>]) -> T) -> T {
    let mut drift = Drift::default();
    let calls: Vec<Call<'_>> =
        PAGES.calls.iter().flat_map(Page::records).map(|raw| Call::decode(raw, &mut drift).unwrap()).collect();
    let mut transcripts = HashMap::new();
    for raw in PAGES.transcripts.iter().flat_map(Page::records) {
        let transcript = Transcript::decode(raw, &mut drift).unwrap();
        transcripts.insert(transcript.call_id.to_string(), transcript);
    }
    let heads = PAGES.calls.iter().flat_map(Page::records).map(|raw| CallHead::decode(raw).unwrap());
    let inputs: Vec<_> = calls
        .iter()
        .zip(heads)
        .map(|(call, head)| {
            let transcript = transcripts.get(&head.id).map_or(TranscriptInput::Missing, TranscriptInput::Present);
            CallInput { call, transcript }
        })
        .collect();
    take(&inputs)
}

fn rows(dataset: &'static Dataset, inputs: &[CallInput<'_>]) -> Vec<RecordBatch> {
    let Source::Call { rows: append, .. } = dataset.source else { panic!("made from calls") };
    let mut rows = Rows::new(dataset);
    let mut batches = Vec::new();
    for input in inputs {
        append(input, &mut rows, &mut Drift::default());
        batches.extend(rows.full_batches());
    }
    batches.push(rows.finish());
    batches
}

fn buffers(batches: &[RecordBatch]) -> BytesCount {
    BytesCount::new(batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>())
}

mod a_envelope {
    use super::*;

    #[divan::bench]
    fn gong_export(bencher: Bencher<'_, '_>) {
        let bodies = &ANSWERS.transcripts;
        bencher.counter(size(bodies)).with_inputs(|| bodies.clone()).bench_values(|bodies| {
            bodies.into_iter().map(|body| Page::parse(body, "callTranscripts").unwrap().len()).sum::<usize>()
        });
    }

    #[divan::bench]
    fn serde_json_alone(bencher: Bencher<'_, '_>) {
        let bodies = &ANSWERS.transcripts;
        bencher.counter(size(bodies)).bench(|| {
            for body in bodies {
                black_box(serde_json::from_str::<IgnoredAny>(std::str::from_utf8(body).unwrap()).unwrap());
            }
        });
    }
}

mod b_decode_transcripts {
    use super::*;

    /// The same members, with nothing done about what is unexpected.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "decoding is what is measured")]
    struct Plain<'a> {
        call_id: &'a str,
        #[serde(borrow)]
        transcript: Vec<PlainMonologue<'a>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "decoding is what is measured")]
    struct PlainMonologue<'a> {
        speaker_id: Option<&'a str>,
        topic: Option<&'a str>,
        #[serde(borrow)]
        sentences: Vec<PlainSentence<'a>>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "decoding is what is measured")]
    struct PlainSentence<'a> {
        start: i64,
        end: i64,
        #[serde(borrow)]
        text: std::borrow::Cow<'a, str>,
    }

    #[divan::bench]
    fn gong_export(bencher: Bencher<'_, '_>) {
        let pages = &PAGES.transcripts;
        bencher.counter(size_of_records(pages)).counter(sentences()).bench(|| {
            for raw in pages.iter().flat_map(Page::records) {
                black_box(Transcript::decode(raw, &mut Drift::default()).unwrap());
            }
        });
    }

    #[divan::bench]
    fn serde_json_alone(bencher: Bencher<'_, '_>) {
        let pages = &PAGES.transcripts;
        bencher.counter(size_of_records(pages)).counter(sentences()).bench(|| {
            for raw in pages.iter().flat_map(Page::records) {
                black_box(serde_json::from_str::<Plain<'_>>(raw).unwrap());
            }
        });
    }
}

mod c_decode_calls {
    use super::*;

    #[divan::bench]
    fn gong_export_head(bencher: Bencher<'_, '_>) {
        bencher.counter(size_of_records(&PAGES.calls)).bench(|| {
            for raw in PAGES.calls.iter().flat_map(Page::records) {
                black_box(CallHead::decode(raw).unwrap());
            }
        });
    }

    #[divan::bench]
    fn gong_export(bencher: Bencher<'_, '_>) {
        bencher.counter(size_of_records(&PAGES.calls)).bench(|| {
            for raw in PAGES.calls.iter().flat_map(Page::records) {
                black_box(Call::decode(raw, &mut Drift::default()).unwrap());
            }
        });
    }

    #[divan::bench]
    fn serde_json_value_alone(bencher: Bencher<'_, '_>) {
        bencher.counter(size_of_records(&PAGES.calls)).bench(|| {
            for raw in PAGES.calls.iter().flat_map(Page::records) {
                black_box(serde_json::from_str::<Value>(raw).unwrap());
            }
        });
    }
}

mod d_rows {
    use super::*;

    /// Joined with speakers, calls and parties; into Arrow's buffers.
    #[divan::bench]
    fn gong_export_transcripts(bencher: Bencher<'_, '_>) {
        with_inputs(|inputs| {
            bencher
                .counter(buffers(&BATCHES.transcripts))
                .counter(sentences())
                .bench_local(|| rows(&TRANSCRIPTS, inputs));
        });
    }

    #[divan::bench]
    fn gong_export_calls_and_parties(bencher: Bencher<'_, '_>) {
        with_inputs(|inputs| {
            let items: usize = BATCHES.calls.iter().chain(&BATCHES.parties).map(RecordBatch::num_rows).sum();
            bencher.counter(ItemsCount::new(items)).bench_local(|| (rows(&CALLS, inputs), rows(&PARTIES, inputs)));
        });
    }

    /// The same columns, their values copied one by one: what the builders take alone.
    #[divan::bench]
    fn arrow_take_alone(bencher: Bencher<'_, '_>) {
        bencher.counter(buffers(&BATCHES.transcripts)).counter(sentences()).bench(|| {
            for batch in &BATCHES.transcripts {
                for column in batch.columns() {
                    match column.as_string_opt::<i32>() {
                        Some(texts) => {
                            let mut builder = arrow::array::StringBuilder::new();
                            texts.iter().for_each(|text| builder.append_option(text));
                            black_box(builder.finish());
                        }
                        None => drop(black_box(column.to_data())),
                    }
                }
            }
        });
    }
}

mod e_encode {
    use super::*;

    fn settings(compression: Compression) -> WriterSettings {
        WriterSettings { compression }
    }

    fn zstd(level: i32) -> Compression {
        Compression::ZSTD(ZstdLevel::try_new(level).unwrap())
    }

    /// Encodes, compresses, sums up, writes and makes durable: a whole data file on the local disk.
    fn whole_file(bencher: Bencher<'_, '_>, compression: Compression) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).for_run("bench");
        let partition = Partition::of_day("2026-03-02".parse().unwrap(), PartitionBy::Day);
        bencher.counter(buffers(&BATCHES.transcripts)).counter(sentences()).bench_local(|| {
            let location = Location::new(&TRANSCRIPTS, partition);
            let mut writer = DataFileWriter::create(&store, location, &settings(compression)).unwrap();
            for batch in &BATCHES.transcripts {
                writer.write(batch).unwrap();
            }
            writer.commit(|rows, checksum| footer(partition, rows, checksum)).unwrap().size_bytes
        });
    }

    fn footer(partition: Partition, records_written: u64, checksum: String) -> Footer {
        let at = "2026-03-20T12:00:00Z".parse().unwrap();
        Footer {
            tool_version: "0".to_owned(),
            schema_version: SCHEMA_VERSION,
            job: "bench".to_owned(),
            run_id: "bench".to_owned(),
            dataset: "transcripts".to_owned(),
            partition,
            as_of: at,
            window: DateRange::new("2026-03-02T00:00:00Z".parse().unwrap(), at).unwrap(),
            records_announced: None,
            records_written,
            records_withheld: 0,
            checksum,
            transcripts_awaited: 0,
            oldest_awaited: None,
            simulated: true,
            selection: "{}".to_owned(),
            privacy: PrivacyNote::NONE,
        }
    }

    #[divan::bench(args = [1, 3, 6])]
    fn gong_export_file_zstd(bencher: Bencher<'_, '_>, level: i32) {
        whole_file(bencher, zstd(level));
    }

    #[divan::bench]
    fn gong_export_file_uncompressed(bencher: Bencher<'_, '_>) {
        whole_file(bencher, Compression::UNCOMPRESSED);
    }

    fn writer_alone(bencher: Bencher<'_, '_>, properties: WriterProperties) {
        bencher.counter(buffers(&BATCHES.transcripts)).counter(sentences()).bench(|| {
            let schema = BATCHES.transcripts[0].schema();
            let mut writer = ArrowWriter::try_new(std::io::sink(), schema, Some(properties.clone())).unwrap();
            for batch in &BATCHES.transcripts {
                writer.write(batch).unwrap();
            }
            writer.close().unwrap()
        });
    }

    /// As the library is out of the box: a dictionary for every column.
    #[divan::bench]
    fn arrow_writer_alone(bencher: Bencher<'_, '_>) {
        writer_alone(bencher, WriterProperties::builder().set_compression(zstd(3)).build());
    }

    #[divan::bench]
    fn arrow_writer_alone_uncompressed(bencher: Bencher<'_, '_>) {
        writer_alone(bencher, WriterProperties::builder().build());
    }
}

mod f_compress {
    use super::*;

    /// The texts of the sentences, in pieces as large as a page of the file.
    #[divan::bench(args = [1, 3, 6])]
    fn zstd_alone(bencher: Bencher<'_, '_>, level: i32) {
        let place = TRANSCRIPTS.column("text").unwrap().0;
        let mut texts = Vec::new();
        for batch in &BATCHES.transcripts {
            texts.extend_from_slice(batch.column(place).as_string::<i32>().value_data());
        }
        let mut compressor = zstd::bulk::Compressor::new(level).unwrap();
        bencher
            .counter(BytesCount::new(texts.len()))
            .bench_local(|| texts.chunks(1 << 20).map(|page| compressor.compress(page).unwrap().len()).sum::<usize>());
    }
}

mod g_checksum {
    use super::*;

    #[divan::bench]
    fn gong_export(bencher: Bencher<'_, '_>) {
        bencher.counter(buffers(&BATCHES.transcripts)).counter(sentences()).bench(|| {
            let mut checksum = Checksum::new(&BATCHES.transcripts[0].schema()).unwrap();
            for batch in &BATCHES.transcripts {
                checksum.update(batch);
            }
            checksum.finish()
        });
    }

    /// The buffers as they lie in memory, which depends on how batches were cut.
    #[divan::bench]
    fn xxh3_alone(bencher: Bencher<'_, '_>) {
        bencher.counter(buffers(&BATCHES.transcripts)).counter(sentences()).bench(|| {
            for batch in &BATCHES.transcripts {
                for column in batch.columns() {
                    for buffer in column.to_data().buffers() {
                        black_box(twox_hash::XxHash3_128::oneshot(buffer.as_slice()));
                    }
                }
            }
        });
    }
}

mod h_write {
    use super::*;

    const BYTES: usize = 16 << 20;

    /// Into the place for temporary files, durable, then renamed, and that durable too.
    #[divan::bench]
    fn gong_export(bencher: Bencher<'_, '_>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).for_run("bench");
        let bytes = vec![7; BYTES];
        bencher.counter(BytesCount::new(BYTES)).bench_local(|| {
            let mut upload = store.upload("transcripts/call_date=2026-03-02/transcripts.parquet").unwrap();
            bytes.chunks(1 << 20).for_each(|chunk| upload.write_all(chunk).unwrap());
            upload.commit().unwrap()
        });
    }

    #[divan::bench]
    fn write_and_fsync_alone(bencher: Bencher<'_, '_>) {
        let folder = tempfile::tempdir().unwrap();
        let bytes = vec![7; BYTES];
        bencher.counter(BytesCount::new(BYTES)).bench_local(|| {
            let mut file = File::create(folder.path().join("file")).unwrap();
            bytes.chunks(1 << 20).for_each(|chunk| file.write_all(chunk).unwrap());
            file.sync_all().unwrap();
        });
    }
}
