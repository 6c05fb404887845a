import java.nio.ByteBuffer;
import java.nio.file.*;
import org.apache.kafka.common.compress.*;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;

/**
 * Writes the batches beside it with Apache Kafka's own code, for the tests of
 * package record:
 *
 *   java -cp 'kafka_2.13-4.3.1/libs/*' Generate.java .
 */
public class Generate {
    static final long TIME = 1_700_000_000_000L;

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0]);
        save(dir, "none", records(Compression.NONE, 10));
        save(dir, "gzip", records(Compression.gzip().build(), 5000));
        save(dir, "snappy", records(Compression.snappy().build(), 5000));
        save(dir, "lz4", records(Compression.lz4().build(), 5000));
        save(dir, "zstd", records(Compression.zstd().build(), 5000));
        save(dir, "zstd-22", records(Compression.zstd().level(22).build(), 5000));
        save(dir, "commit", MemoryRecords.withEndTransactionMarker(42, TIME, 5, 77, (short) 3,
            new EndTransactionMarker(ControlRecordType.COMMIT, 9)));
        save(dir, "abort", MemoryRecords.withEndTransactionMarker(43, TIME, 5, 77, (short) 3,
            new EndTransactionMarker(ControlRecordType.ABORT, 9)));
    }

    static MemoryRecords records(Compression compression, int valueBytes) {
        StringBuilder value = new StringBuilder();
        while (value.length() < valueBytes) value.append("chronik ");
        byte[] v = value.substring(0, valueBytes).getBytes();
        SimpleRecord[] records = new SimpleRecord[20];
        for (int i = 0; i < 20; i++) {
            Header[] headers = {new RecordHeader("h", "v".getBytes()), new RecordHeader("null", (byte[]) null)};
            records[i] = new SimpleRecord(TIME + i, i == 3 ? null : ("key-" + i).getBytes(), i == 4 ? null : v, headers);
        }
        return MemoryRecords.withTransactionalRecords((byte) 2, 7, compression, 77, (short) 3, 11, 5, records);
    }

    static void save(Path dir, String name, MemoryRecords records) throws Exception {
        ByteBuffer b = records.buffer().duplicate();
        byte[] out = new byte[b.remaining()];
        b.get(out);
        Files.write(dir.resolve(name + ".batch"), out);
    }
}
